import type { Latency } from './probe-report.ts';

/** Whom an attack is aimed at, and with which keys. */
export interface AttackTarget {
  readonly port: number;
  readonly keys: AbuseKeys;
}

export interface AbuseKeys {
  /** Good for all tenants. */
  readonly unbound: string;
  readonly victim: string;
  readonly attacker: string;
}

/** What an attack may do while it runs, in a process of its own. */
export interface AttackContext extends AttackTarget {
  /** Aborted when the time of the attack is over. */
  readonly signal: AbortSignal;
  /** Counts how one request, connection or stream ended: a status, or what became of it. */
  count(outcome: string): void;
}

/** Most that the victim may wait, in milliseconds, from what it waits while nobody attacks. */
export type LatencyLimit = (idle: Latency) => number;

/** A tenant beside another one that is at its limit. */
export const besideABusyTenant: LatencyLimit = (idle) => 1.5 * idle.p95 + 20;
/**
 * A tenant beside the most expensive work that is allowed. The embedded engine runs one statement at a time: each of the
 * victim's waits for the one that runs, which takes at most 250 ms.
 */
export const besideExpensiveWork: LatencyLimit = (idle) => 2 * idle.p95 + 250;
/** A tenant beside streams, which are bounded by the writer that they share. */
export const besideStreams: LatencyLimit = (idle) => 2 * idle.p95 + 50;

export interface Attack {
  readonly name: string;
  /** Settings of the process that is attacked, beside the defaults of the harness. */
  readonly env?: Readonly<Record<string, string>>;
  /** What becomes of the process's standard output when it has started. */
  readonly log?: 'gone' | 'unread';
  readonly seconds: number;
  /** Stores what the attack needs, before the victim is measured. */
  readonly prepare?: (context: AttackContext) => Promise<void>;
  readonly run: (context: AttackContext) => Promise<void>;
  /** Every way in which a request of the attack may end. */
  readonly outcomes: readonly string[];
  /** Ways of which at least one must be seen: else the attack has not done what it says. */
  readonly expected?: readonly string[];
  /** Limit of the 95th percentile of the victim's listings and searches. */
  readonly latency?: LatencyLimit;
  /** Most that resident memory may grow, in megabytes. */
  readonly memoryMb?: number;
  /** Watch how long the victim's own messages take until they are embedded: 95th percentile, in milliseconds. */
  readonly searchableMs?: number;
}
