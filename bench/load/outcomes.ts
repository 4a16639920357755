import { Latencies, type LatencySummary, type Points } from '../harness/latencies.ts';
import { sum } from '../harness/statistics.ts';
import type { Kind } from './mix.ts';

export interface KindOutcomes {
  readonly answered: number;
  readonly perSecond: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly latencyMs: LatencySummary;
  readonly curve: Points;
  readonly distribution: Points;
}

/** What came back in a piece of the time. */
export interface Window {
  /** Of the measuring, when it began. */
  readonly fromSecond: number;
  readonly perSecond: number;
  readonly errors: number;
  readonly latencyMs: LatencySummary;
}

export interface LoadOutcomes {
  readonly seconds: number;
  readonly kinds: Readonly<Partial<Record<Kind, KindOutcomes>>>;
  readonly all: KindOutcomes;
  readonly windows: readonly Window[];
  /** Answers that are not 2xx, and requests that got none. */
  readonly errors: number;
  /** Requests without an answer, by reason. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** Answers counted in this report and those before, while warming up. */
  readonly answeredInAll: number;
}

interface Tally {
  readonly latencies: Latencies;
  readonly statuses: Map<string, number>;
}

const newTally = (): Tally => ({ latencies: new Latencies(), statuses: new Map() });

/** Collects what is answered from the end of the warm-up on. */
export class Outcomes {
  readonly #kinds = new Map<Kind, Tally>();
  readonly #all = newTally();
  readonly #unanswered = new Map<string, number>();
  readonly #windows: Window[] = [];
  readonly #windowMs: number;
  readonly #startsAt: number;
  #window = new Latencies();
  #windowErrors = 0;
  #windowEndsAt: number;
  #lastAt: number;
  #answeredInAll = 0;

  constructor(options: { readonly warmupSeconds: number; readonly windowSeconds: number }) {
    this.#windowMs = options.windowSeconds * 1000;
    this.#startsAt = performance.now() + options.warmupSeconds * 1000;
    this.#windowEndsAt = this.#startsAt + this.#windowMs;
    this.#lastAt = this.#startsAt;
  }

  answered(kind: Kind, status: number, latencyMs: number): void {
    this.#answeredInAll += 1;
    if (!this.#counts()) return;
    for (const tally of [this.#all, this.#tallyOf(kind)]) {
      tally.latencies.record(latencyMs);
      tally.statuses.set(String(status), (tally.statuses.get(String(status)) ?? 0) + 1);
    }
    this.#window.record(latencyMs);
    if (status < 200 || status > 299) this.#windowErrors += 1;
  }

  unanswered(reason: string): void {
    if (!this.#counts()) return;
    this.#unanswered.set(reason, (this.#unanswered.get(reason) ?? 0) + 1);
    this.#windowErrors += 1;
  }

  result(): LoadOutcomes {
    const seconds = Math.max(0.001, (this.#lastAt - this.#startsAt) / 1000);
    // A short rest would show as a peak or a hole.
    if (this.#windowEndsAt - this.#lastAt < this.#windowMs / 2) this.#closeWindow(this.#lastAt);
    const refused = [...this.#all.statuses].filter(([status]) => !status.startsWith('2'));
    const unanswered = Object.fromEntries(this.#unanswered);
    return {
      seconds,
      kinds: Object.fromEntries([...this.#kinds].map(([kind, tally]) => [kind, toOutcomes(tally, seconds)])),
      all: toOutcomes(this.#all, seconds),
      windows: this.#windows,
      errors: sum(refused.map(([, count]) => count)) + sum(Object.values(unanswered)),
      unanswered,
      answeredInAll: this.#answeredInAll,
    };
  }

  /** Whether what happens now is after the warm-up; turns the window over when its time has come. */
  #counts(): boolean {
    const now = performance.now();
    if (now < this.#startsAt) return false;
    this.#lastAt = now;
    while (now >= this.#windowEndsAt) this.#closeWindow(this.#windowEndsAt);
    return true;
  }

  #closeWindow(endsAt: number): void {
    const startedAt = this.#windowEndsAt - this.#windowMs;
    this.#windows.push({
      fromSecond: Math.round((startedAt - this.#startsAt) / 10) / 100,
      perSecond: Math.round(this.#window.count / Math.max(0.001, (endsAt - startedAt) / 1000)),
      errors: this.#windowErrors,
      latencyMs: this.#window.summary(),
    });
    this.#window = new Latencies();
    this.#windowErrors = 0;
    this.#windowEndsAt += this.#windowMs;
  }

  #tallyOf(kind: Kind): Tally {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const tally = newTally();
    this.#kinds.set(kind, tally);
    return tally;
  }
}

function toOutcomes({ latencies, statuses }: Tally, seconds: number): KindOutcomes {
  return {
    answered: latencies.count,
    perSecond: Math.round((latencies.count / seconds) * 10) / 10,
    statuses: Object.fromEntries(statuses),
    latencyMs: latencies.summary(),
    curve: latencies.curve(),
    distribution: latencies.distribution(),
  };
}
