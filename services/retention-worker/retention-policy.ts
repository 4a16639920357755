/** Which of age and importance a message must meet to be archived: both, or either one. */
export type MatchMode = 'all' | 'any';

/** A tenant's policy as it is in force, nothing left open. */
export interface RetentionPolicy {
  readonly maxAgeDays: number;
  /** 0 to 1, compared with the stored importance. */
  readonly importanceThreshold: number;
  /** Counted from the archiving, not from the message's own date. */
  readonly deleteAfterDays: number;
  /** Messages a tenant keeps at most; undefined for no limit. */
  readonly maxItems: number | undefined;
  readonly matchMode: MatchMode;
  /** Stops every archive and delete of the tenant. */
  readonly legalHold: boolean;
}

/** What a tenant set. Null: not set. */
export interface StoredPolicy {
  readonly maxAgeDays: number | null;
  readonly importanceThreshold: number | null;
  readonly deleteAfterDays: number | null;
  readonly maxItems: number | null;
  readonly matchMode: MatchMode | null;
  readonly legalHold: boolean;
}

/** What holds for a tenant that did not set it. */
export interface PolicyDefaults {
  readonly maxAgeDays: number;
  readonly importanceThreshold: number;
  readonly deleteAfterDays: number;
}

/** A policy at one instant: its ages turned into dates. */
export interface Cutoffs {
  readonly now: Date;
  /** Messages made before this are old. */
  readonly oldBefore: Date;
  /** What was archived at this instant or before is deleted. */
  readonly deleteUpTo: Date;
}

const dayMs = 86_400_000;

/** Fills what the tenant did not set from the defaults. */
export function resolvePolicy(stored: StoredPolicy | undefined, defaults: PolicyDefaults): RetentionPolicy {
  return {
    maxAgeDays: stored?.maxAgeDays ?? defaults.maxAgeDays,
    importanceThreshold: stored?.importanceThreshold ?? defaults.importanceThreshold,
    deleteAfterDays: stored?.deleteAfterDays ?? defaults.deleteAfterDays,
    maxItems: stored?.maxItems ?? undefined,
    matchMode: stored?.matchMode ?? 'all',
    legalHold: stored?.legalHold ?? false,
  };
}

/** Days are 24 hours, whatever the calendar says of summer time. */
export function cutoffsAt(policy: RetentionPolicy, now: Date): Cutoffs {
  return {
    now,
    oldBefore: new Date(now.getTime() - policy.maxAgeDays * dayMs),
    deleteUpTo: new Date(now.getTime() - policy.deleteAfterDays * dayMs),
  };
}
