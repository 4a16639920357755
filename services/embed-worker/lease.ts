export interface TenantWork {
  readonly tenantId: string;
  readonly generation: number;
}

/** A pending message that this worker has leased, with what it needs to be embedded. */
export interface LeasedMessage {
  readonly messageId: string;
  readonly content: string;
  /** Who said it, where that is known. */
  readonly speaker: string | undefined;
  readonly contentHash: Buffer;
  /** Times it was leased, this one included. */
  readonly attempts: number;
}

/** What a job asks for. */
export interface LeaseRequest extends TenantWork {
  /** Messages at most. */
  readonly limit: number;
  /** Estimated tokens of all of them at most; one message may have more. */
  readonly tokenBudget: number;
  readonly leaseMs: number;
}

/** What a job gets. */
export interface LeaseResult {
  readonly messages: readonly LeasedMessage[];
  /** Other messages of the tenant may be due as well. */
  readonly mayLeaveMore: boolean;
}

/** Leased messages of one tenant. */
export interface LeasedBatch {
  readonly work: TenantWork;
  readonly messages: readonly LeasedMessage[];
}

/** A message with the vectors of its passages, in order. */
export interface EmbeddedMessage extends LeasedMessage {
  readonly vectors: readonly Float32Array[];
}

export interface EmbeddedBatch {
  readonly work: TenantWork;
  readonly messages: readonly EmbeddedMessage[];
}

/** UTF-8 bytes a token, on the safe side for prose; what they become after normalisation is known once they are read. */
export const bytesPerToken = 3;

/** Estimated tokens of a message, as a lease counts them. */
export function estimateLeasedTokens({ content }: Pick<LeasedMessage, 'content'>): number {
  return Math.ceil(Buffer.byteLength(content) / bytesPerToken);
}
