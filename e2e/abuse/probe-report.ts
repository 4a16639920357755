/** Percentiles of latencies, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export function latencyOf(samples: readonly number[]): Latency {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** `searchable` is a post that waits until its message is embedded. */
export type ProbeKind = 'livez' | 'list' | 'search' | 'post' | 'searchable';

export interface ProbeResult {
  readonly latency: Latency;
  /** How many answers of each status there were; or what came in place of one. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export type ProbeReport = Readonly<Partial<Record<ProbeKind, ProbeResult>>>;

export interface ProberOptions {
  readonly port: number;
  readonly key: string;
  readonly watchesSearchable: boolean;
}

export type ProberCommand = 'begin' | 'end';
