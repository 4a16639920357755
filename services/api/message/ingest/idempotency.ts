import type { Instant } from '@memory-layer/shared/time/instant';
import type { EmbeddingStatus, NewMessage, Outcome } from '../message.ts';
import { storedOutcome, toMessageRow } from './message-row.ts';

/** Makes a request take effect once, however often it is sent. */
export interface IdempotencyRequest {
  readonly key: string;
  /** SHA-256 of what was sent, and where to. */
  readonly requestHash: Buffer;
}

/** A request's hold on a key of a tenant, for 24 hours of the database's clock. */
export interface IdempotencyClaim extends IdempotencyRequest {
  readonly tenantId: string;
}

/** What is remembered of an outcome: ids, dates and statuses. The words come from the request that is sent again. */
export type RecordedOutcome =
  | { readonly kind: 'stored'; readonly id: string; readonly at: Instant }
  | {
      readonly kind: 'duplicate' | 'updated' | 'archived';
      readonly id: string;
      readonly importance: number;
      readonly createdAt: Instant;
      readonly updatedAt: Instant;
      readonly expiresAt: Instant | null;
      readonly embeddingStatus: EmbeddingStatus;
      readonly archivedAt?: Instant | undefined;
    }
  | { readonly kind: 'conflict'; readonly existingId: string; readonly differs: readonly string[] }
  | { readonly kind: 'refused' };

export interface RecordedAnswer {
  readonly requestHash: Buffer;
  /** One a message of the request, in their order. */
  readonly outcomes: readonly RecordedOutcome[];
}

export function toRecordedOutcome(outcome: Outcome): RecordedOutcome {
  if (outcome.kind === 'conflict' || outcome.kind === 'refused') return outcome;
  const { kind, message } = outcome;
  if (kind === 'stored') return { kind, id: message.id, at: message.updatedAt };
  return {
    kind,
    id: message.id,
    importance: message.importance,
    createdAt: message.createdAt,
    updatedAt: message.updatedAt,
    expiresAt: message.expiresAt ?? null,
    embeddingStatus: message.embeddingStatus,
    archivedAt: message.archivedAt,
  };
}

/** The answer of before: what was recorded, with the words of the same request sent again. */
export function replay(
  input: readonly NewMessage[],
  generation: number,
  recorded: readonly RecordedOutcome[],
): Outcome[] {
  return recorded.flatMap((outcome, n) => {
    const message = input[n];
    return message === undefined ? [] : [replayOne(message, generation, outcome)];
  });
}

function replayOne(message: NewMessage, generation: number, recorded: RecordedOutcome): Outcome {
  if (recorded.kind === 'conflict' || recorded.kind === 'refused') return recorded;
  if (recorded.kind === 'stored') {
    return storedOutcome(toMessageRow(message, generation, recorded.at, recorded.id));
  }
  const { kind, expiresAt, ...rest } = recorded;
  return {
    kind,
    message: { ...message, metadata: message.metadata ?? {}, ...rest, expiresAt: expiresAt ?? undefined },
  };
}
