import type { MetricsSnapshot } from '@memory-layer/shared/observability/metrics-sum';

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One of several processes that share the port of the api, as the process sees it that started them. */
export interface ApiProcess {
  /** Its place among them, from 1. Its successor has the same. */
  readonly number: number;
  readonly pid: number | undefined;
  /** Once it answers requests, or has ended without. */
  readonly begun: Promise<'started' | Ended>;
  /** Once it has ended and everything that it said has been read. */
  readonly ended: Promise<Ended>;
  /** Its metrics as they were last asked for, or at its end. */
  readonly metrics: MetricsSnapshot;
  /** Asks for its metrics. One that does not answer keeps those from before. */
  refresh(): Promise<void>;
  /** Why it is not ready, in a word for probes. @throws when it does not answer. */
  problem(): Promise<string | undefined>;
  /** Lets it take no more connections, finish what it has, and end. */
  retire(): void;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOrder {
  readonly number: number;
  /** Whether others answer meanwhile: then it listens once it can do its work, and not before. */
  readonly listensWhenReady: boolean;
}
