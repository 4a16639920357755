import type { ArchiveReason } from '@memory-layer/shared/db/schema';
import type { Cutoffs, RetentionPolicy } from '@memory-layer/shared/retention/retention-policy';
import { instantFromColumn, type Instant } from '@memory-layer/shared/time/instant';

/** Whose messages, by which policy, at which instant: all that decides what is archived and deleted. */
export interface Scope {
  readonly tenantId: string;
  readonly policy: RetentionPolicy;
  readonly cutoffs: Cutoffs;
}

/** Where the previous batch of a pass ended. Later batches begin behind it and never look at those rows again. */
export interface Position {
  readonly at: Instant;
  readonly id: string;
}

export interface BatchRequest extends Scope {
  /** Rows at most. */
  readonly limit: number;
  /** Undefined for the first batch of a pass. */
  readonly after: Position | undefined;
}

export interface ArchiveRequest extends BatchRequest {
  /** Why: what has expired is not archived any more. */
  readonly reason: Exclude<ArchiveReason, 'expired'>;
}

/** What a batch deletes: messages that have expired, archived copies that have, or copies archived long ago. */
export type Deletable = 'expired' | 'expired-copies' | 'old-copies';

export interface DeleteRequest extends BatchRequest {
  readonly what: Deletable;
}

export interface BatchOutcome {
  /** Rows archived or deleted. */
  readonly rows: number;
  /** Where to go on; undefined when nothing was left for this batch. */
  readonly next: Position | undefined;
}

/** What a run has done, or a dry run would do. */
export interface RetentionCounts {
  readonly archived: number;
  readonly deleted: number;
}

/** A batch that was not full saw the end: what it left out is held, or locked by somebody who deals with it. */
export function toOutcome(
  request: BatchRequest,
  last: { rows: number; at: string; id: string } | undefined,
): BatchOutcome {
  if (last === undefined) return { rows: 0, next: undefined };
  return {
    rows: last.rows,
    next: last.rows < request.limit ? undefined : { at: instantFromColumn(last.at), id: last.id },
  };
}
