import type { IdempotencyClaim, RecordedAnswer } from '../idempotency/idempotency.ts';
import type { Outcome } from '../message.ts';
import type { MessageRow } from './message-row.ts';

/** The messages of one caller: stored together or not at all. */
export interface WriteRequest {
  readonly rows: readonly MessageRow[];
  readonly claim: IdempotencyClaim | undefined;
}

export type WriteResult =
  | { readonly kind: 'written'; readonly outcomes: readonly Outcome[] }
  /** The same request was written before, by itself or by a twin of it. */
  | { readonly kind: 'recorded'; readonly answer: RecordedAnswer };
