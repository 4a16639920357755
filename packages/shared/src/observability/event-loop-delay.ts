import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long work waited for the event loop, in seconds. */
export interface LoopDelay {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface EventLoopDelayOptions {
  /** How often one of two histograms ends; each begins between two beginnings of the other. */
  readonly sliceMs?: number;
  /** Histograms that have ended and are still looked at. */
  readonly slices?: number;
}

const resolutionMs = 10;

/**
 * How long the event loop kept work waiting within the last minute, for every reader, however often it reads: nothing is reset by
 * looking. Each figure is the worst of several intervals of twenty seconds.
 *
 * A timer of Node.js measures the time between two of its ticks
 * (https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions); what it would be without delay is
 * taken away.
 */
export class EventLoopDelay {
  // A histogram measures nothing from its reset to its next tick, so that a block there is seen by the other one alone.
  readonly #histograms = [createHistogram(), createHistogram()] as const;
  readonly #past: LoopDelay[] = [];
  readonly #slices: number;
  readonly #sliceMs: number;
  #next: 0 | 1 = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ slices = 5, sliceMs = 10_000 }: EventLoopDelayOptions = {}) {
    this.#slices = slices;
    this.#sliceMs = sliceMs;
    this.#endSliceIn(sliceMs);
  }

  read(): LoopDelay {
    const all = [...this.#past, ...this.#histograms.map(toDelay)];
    const worst = (of: (slice: LoopDelay) => number): number => Math.max(...all.map(of));
    return { median: worst(({ median }) => median), p99: worst(({ p99 }) => p99), max: worst(({ max }) => max) };
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const histogram of this.#histograms) histogram.disable();
  }

  #endSliceIn(ms: number): void {
    const due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      // Right behind a block its delay may not be recorded yet, and a reset would forget it.
      if (performance.now() - due > resolutionMs) {
        this.#endSliceIn(2 * resolutionMs);
        return;
      }
      const histogram = this.#histograms[this.#next];
      this.#next = this.#next === 0 ? 1 : 0;
      this.#past.push(toDelay(histogram));
      if (this.#past.length > this.#slices) this.#past.shift();
      histogram.reset();
      this.#endSliceIn(this.#sliceMs);
    }, ms).unref();
  }
}

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

function createHistogram(): Histogram {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return histogram;
}

function toDelay(histogram: Histogram): LoopDelay {
  if (histogram.count === 0) return { median: 0, p99: 0, max: 0 };
  return {
    median: toSeconds(histogram.percentile(50)),
    p99: toSeconds(histogram.percentile(99)),
    max: toSeconds(histogram.max),
  };
}

function toSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000);
}
