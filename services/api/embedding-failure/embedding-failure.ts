import type { Instant } from '@memory-layer/shared/time/instant';

/** A message that was given up: stored and found by its words, but without vectors. */
export interface EmbeddingFailure {
  readonly messageId: string;
  readonly conversationId: string;
  /** Why the last attempt failed. Never quotes the message. */
  readonly reason: string | undefined;
  readonly attempts: number;
  /** Undefined for one that was given up before this was kept. */
  readonly failedAt: Date | undefined;
  /** Of the message. */
  readonly createdAt: Instant;
}

/** Whose failures, and for which vectors. */
export interface FailureScope {
  readonly tenantId: string;
  readonly generation: number;
}

/** Of the ids that somebody wants retried, those that were not. */
export interface NotRetried {
  /** No message of this tenant has the id. */
  readonly notFound: readonly string[];
  /** The message is embedded, or pending already. */
  readonly notFailed: readonly string[];
}
