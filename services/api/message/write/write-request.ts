import type { IdempotencyClaim, RecordedAnswer } from '../idempotency/idempotency.ts';
import type { Outcome } from '../message.ts';
import type { MessageRow } from './message-row.ts';

/** The messages of one caller: stored together or not at all. */
export interface WriteRequest {
  readonly rows: readonly MessageRow[];
  readonly claim: IdempotencyClaim | undefined;
}

/**
 * In whose queue a request waits: its tenant's. One with messages of several tenants, which only a key of all tenants can
 * send, waits with others like it: it must take nobody's turn.
 */
export function tenantOf({ rows }: WriteRequest): string {
  const tenantId = rows[0]?.tenantId ?? '';
  return rows.every((row) => row.tenantId === tenantId) ? tenantId : '';
}

/** Bytes that a request holds while it waits: a small row takes memory of its own. */
export function queuedBytesOf({ rows }: WriteRequest): number {
  return rows.reduce((sum, row) => sum + Math.max(leastRowBytes, row.bytes), 0);
}
const leastRowBytes = 1024;

/** What a request costs the database, in bytes: beside its text a row costs as much as some 256 of them. */
export function costOf({ rows }: WriteRequest): number {
  return rows.reduce((sum, row) => sum + rowCost + row.bytes, 0);
}
export const rowCost = 256;

export type WriteResult =
  | { readonly kind: 'written'; readonly outcomes: readonly Outcome[] }
  /** The same request was written before, by itself or by a twin of it. */
  | { readonly kind: 'recorded'; readonly answer: RecordedAnswer };
