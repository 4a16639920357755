import { createHistogram } from 'node:perf_hooks';

/** In milliseconds. */
export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly max: number;
}

export type Points = readonly (readonly [x: number, y: number])[];

const longestUs = 600_000_000;
const bucketsPerDoubling = 4;

/** Latencies in microseconds: an HDR histogram of three figures, and counts by bucket for the picture. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: longestUs, figures: 3 });
  readonly #buckets = new Map<number, number>();

  get count(): number {
    return this.#histogram.count;
  }

  record(ms: number): void {
    const us = Math.min(longestUs, Math.max(1, Math.round(ms * 1000)));
    this.#histogram.record(us);
    const bucket = Math.floor(Math.log2(us) * bucketsPerDoubling);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
  }

  summary(): LatencySummary {
    const percentile = (p: number): number => (this.count === 0 ? 0 : toMs(this.#histogram.percentile(p)));
    return {
      mean: this.count === 0 ? 0 : toMs(this.#histogram.mean),
      p50: percentile(50),
      p90: percentile(90),
      p95: percentile(95),
      p99: percentile(99),
      p99_9: percentile(99.9),
      max: percentile(100),
    };
  }

  /** [1 / (1 - quantile), ms]: 10 is p90, 100 is p99, 1000 is p99.9; as far as there are enough values. */
  curve(): Points {
    const last = Math.log10(Math.max(1, this.count));
    const steps = Math.ceil(last * 20) + 1;
    return Array.from({ length: steps }, (_, step) => {
      const inverse = 10 ** Math.min(last, step / 20);
      return [inverse, toMs(this.#histogram.percentile(Math.max(0.001, 100 - 100 / inverse)))] as const;
    });
  }

  /** [lower end of a bucket in ms, share of all in it], gaps included. */
  distribution(): Points {
    const found = [...this.#buckets.keys()];
    const [first, last] = [Math.min(...found), Math.max(...found)];
    return Array.from({ length: found.length === 0 ? 0 : last - first + 2 }, (_, step) => {
      const bucket = first + step;
      return [2 ** (bucket / bucketsPerDoubling) / 1000, (this.#buckets.get(bucket) ?? 0) / this.count] as const;
    });
  }
}

function toMs(us: number): number {
  return Math.round(us) / 1000;
}
