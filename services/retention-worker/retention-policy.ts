/** Which of age and importance a message must meet to be archived: both, or either one. */
export type MatchMode = 'all' | 'any';

/** A tenant's policy as it is in force. What is undefined archives or deletes nothing. */
export interface RetentionPolicy {
  readonly maxAgeDays: number | undefined;
  /** 0 to 1, compared with the stored importance. */
  readonly importanceThreshold: number | undefined;
  /** Counted from the archiving, not from the message's own date. */
  readonly deleteAfterDays: number | undefined;
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
export type PolicyDefaults = Pick<RetentionPolicy, 'maxAgeDays' | 'importanceThreshold' | 'deleteAfterDays'>;

/** A policy at one instant: its ages turned into dates. */
export interface Cutoffs {
  readonly now: Date;
  /** Messages made before this are old; undefined: none is. */
  readonly oldBefore: Date | undefined;
  /** What was archived at this instant or before is deleted; undefined: nothing is. */
  readonly deleteUpTo: Date | undefined;
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
  const before = (days: number | undefined) =>
    days === undefined ? undefined : new Date(now.getTime() - days * dayMs);
  return { now, oldBefore: before(policy.maxAgeDays), deleteUpTo: before(policy.deleteAfterDays) };
}
