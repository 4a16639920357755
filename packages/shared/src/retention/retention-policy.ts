/** Which of age and importance a message must meet to be archived: both, or either one. */
export type MatchMode = 'all' | 'any';

/** The start of a message's age: the time when it was stored, or its `created_at`. */
export const agesOf = ['stored', 'created'] as const;
export type AgeOf = (typeof agesOf)[number];

/** A tenant's policy in force. An undefined limit archives or deletes nothing. */
export interface RetentionPolicy {
  readonly maxAgeDays: number | undefined;
  readonly ageOf: AgeOf;
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
  readonly ageOf: AgeOf | null;
  readonly importanceThreshold: number | null;
  readonly deleteAfterDays: number | null;
  readonly maxItems: number | null;
  readonly matchMode: MatchMode | null;
  readonly legalHold: boolean;
}

/** What holds for a tenant that did not set it. */
export type PolicyDefaults = Pick<RetentionPolicy, 'maxAgeDays' | 'ageOf' | 'importanceThreshold' | 'deleteAfterDays'>;

/** A policy at one instant: its ages turned into dates. */
export interface Cutoffs {
  readonly now: Date;
  /** Messages stored or created before this are old; undefined: none is. */
  readonly oldBefore: Date | undefined;
  /** Messages archived up to this instant are deleted; undefined: none is. */
  readonly deleteUpTo: Date | undefined;
}

const dayMs = 86_400_000;

/** Completes a tenant's policy with the defaults. */
export function resolvePolicy(stored: StoredPolicy | undefined, defaults: PolicyDefaults): RetentionPolicy {
  return {
    maxAgeDays: stored?.maxAgeDays ?? defaults.maxAgeDays,
    ageOf: stored?.ageOf ?? defaults.ageOf,
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

/** The properties of a message that decide whether it is archived for its age or importance. */
export interface AgedMessage {
  readonly createdAt: Date;
  readonly storedAt: Date;
  readonly importance: number;
}

/**
 * Whether a run archives a message that has not expired for its age or importance. The statements of the retention worker
 * decide the same in SQL; a test compares both.
 */
export function isOld(policy: RetentionPolicy, { oldBefore }: Cutoffs, message: AgedMessage): boolean {
  const { importanceThreshold: threshold } = policy;
  const age = policy.ageOf === 'stored' ? message.storedAt : message.createdAt;
  if (policy.matchMode === 'any') {
    const isUnimportant = threshold !== undefined && message.importance <= threshold;
    return isUnimportant || (oldBefore !== undefined && age.getTime() <= oldBefore.getTime());
  }
  // Importance alone would archive a message on the day it was stored.
  if (oldBefore === undefined || age.getTime() >= oldBefore.getTime()) return false;
  return threshold === undefined || message.importance < threshold;
}

/** Describes a policy to an operator in one sentence. */
export function describePolicy({ maxAgeDays, ageOf, importanceThreshold, deleteAfterDays }: PolicyDefaults): string {
  if (maxAgeDays === undefined) return 'nothing is archived for its age (MEMORY_RETENTION_MAX_AGE_DAYS)';
  const since = ageOf === 'stored' ? 'stored' : 'created';
  const spared = importanceThreshold === undefined ? '' : ` that are less important than ${importanceThreshold}`;
  const end = deleteAfterDays === undefined ? '' : `, and deleted ${deleteAfterDays} days later`;
  return `messages${spared} are archived ${maxAgeDays} days after they were ${since}${end}`;
}
