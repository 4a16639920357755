import { AppError } from '../errors/app-error.ts';
import { KeyQueues, type Waiting } from './key-queues.ts';

export interface CoalescerOptions<Item, Result> {
  /** What is waiting, for the error of a full queue: "messages". */
  readonly what: string;
  /** Does a batch: one result per item, in their order. When it rejects, every item of the batch fails with that. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** How much of the queue an item takes; 1 when not given. */
  readonly weigh?: (item: Item) => number;
  /** How much of a batch an item takes, where that is not what it weighs in the queue. */
  readonly weighInBatch?: (item: Item) => number;
  /** A batch ends before the item that would make it heavier; one item may be heavier alone. */
  readonly maxBatchWeight: number;
  /** Batches that run at a time. */
  readonly maxConcurrent: number;
  /**
   * While a batch runs, another one waits until it weighs this much: where a batch has a price of its own, few large ones
   * are cheaper than many small ones side by side. Default 0: it goes as soon as a runner is free.
   */
  readonly minParallelWeight?: number;
  /** How much may wait. An item heavier than this is taken when nothing else waits. */
  readonly maxQueuedWeight: number;
  /** Whose items wait in queues of their own and take turns. Not given: all wait in one queue. */
  readonly fairness?: CoalescerFairness<Item>;
  /**
   * What an abort does to an item whose batch runs: `reject` (the default) rejects it at once although it will be done;
   * `await` answers with what became of it.
   */
  readonly abortUnderWay?: 'reject' | 'await';
}

export interface CoalescerFairness<Item> {
  readonly keyOf: (item: Item) => string;
  /** How much of one key may wait; as an item alone, more may. */
  readonly maxQueuedWeightPerKey: number;
  /** Where several keys wait, a batch takes this much of each in turn (deficit round robin). */
  readonly quantum: number;
  /** How long after another key was there a key leaves one runner free for others. In milliseconds. */
  readonly reserveMs: number;
  /**
   * Whether others than a key want what the batches use. Given: a key of which a batch had much waits while they do, for
   * as long as that batch took, before another one has any of it.
   */
  readonly hasOthers?: (key: string) => boolean;
}

interface Batch {
  readonly weight: number;
  readonly keys: ReadonlySet<string>;
  /** Those of which it has much. */
  readonly heavyKeys: readonly string[];
}

// Of a batch, in quanta of a key.
const much = 1 / 4;
const longestRestMs = 50;

const retryAfterSeconds = 1;

/**
 * Batches while busy, flushes when free: items that arrive while all runners are at work go together in the next
 * batch, first in, first out. There is no timer, so an idle coalescer adds no delay; the busier it is, the larger
 * its batches. Every item is answered exactly once.
 *
 * With `fairness`, first in, first out holds within a key, and keys take turns: however much waits of one key, items of
 * another go with the next batch. Source: M. Shreedhar and G. Varghese, Efficient Fair Queuing using Deficit Round
 * Robin, SIGCOMM 1995.
 */
export class Coalescer<Item, Result> {
  readonly #options: CoalescerOptions<Item, Result>;
  readonly #waiting: KeyQueues<Item, Result>;
  readonly #running = new Map<Promise<void>, Batch>();
  /** Until when keys wait of which a batch had much. */
  readonly #restUntil = new Map<string, number>();
  #flushAsked = false;
  #closed = false;

  constructor(options: CoalescerOptions<Item, Result>) {
    this.#options = options;
    this.#waiting = new KeyQueues(options.maxBatchWeight, options.fairness?.quantum ?? options.maxBatchWeight);
  }

  /** Weight of what waits for a runner; what runs is not counted. */
  get queuedWeight(): number {
    return this.#waiting.weight;
  }

  /**
   * @param signal takes the item out while it waits; `abortUnderWay` says what it does once its batch runs.
   * @throws AppError `unavailable` when too much waits, or after `close`; `rate_limited` when too much of its key waits;
   * the signal's reason; what the batch throws.
   */
  submit(item: Item, signal?: AbortSignal): Promise<Result> {
    const { weigh, weighInBatch, fairness } = this.#options;
    const weight = weigh?.(item) ?? 1;
    const weightInBatch = weighInBatch?.(item) ?? weight;
    const key = fairness?.keyOf(item) ?? '';
    if (signal?.aborted) return Promise.reject(signal.reason);
    const refusal = this.#refusalOf(key, weight);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) =>
      this.#enqueue({ item, key, weight, weightInBatch, resolve, reject }, signal),
    );
  }

  /** Takes nothing more and waits for all that was taken. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
  }

  #refusalOf(key: string, weight: number): AppError | undefined {
    const { maxQueuedWeight, fairness, what } = this.#options;
    if (this.#closed) return new AppError('unavailable', 'Shutting down.', { retryAfterSeconds });
    if (this.#waiting.size > 0 && this.#waiting.weight + weight > maxQueuedWeight) {
      return new AppError('unavailable', `Too many ${what} are waiting.`, { retryAfterSeconds });
    }
    const own = this.#waiting.weightOf(key);
    if (fairness !== undefined && own > 0 && own + weight > fairness.maxQueuedWeightPerKey) {
      return new AppError('rate_limited', `Too many of your ${what} are waiting.`, { retryAfterSeconds });
    }
    return undefined;
  }

  #enqueue(entry: Waiting<Item, Result>, signal: AbortSignal | undefined): void {
    this.#waiting.push(signal === undefined ? entry : this.#abortable(entry, signal));
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    // After all that has already arrived in this turn of the event loop: they go together.
    setImmediate(() => {
      this.#flushAsked = false;
      this.#flush();
    });
  }

  #abortable(entry: Waiting<Item, Result>, signal: AbortSignal): Waiting<Item, Result> {
    const abort = (): void => {
      const waited = this.#waiting.remove(waiting);
      if (waited || this.#options.abortUnderWay !== 'await') entry.reject(signal.reason);
    };
    const waiting: Waiting<Item, Result> = {
      ...entry,
      resolve: (result) => {
        signal.removeEventListener('abort', abort);
        entry.resolve(result);
      },
      reject: (error) => {
        signal.removeEventListener('abort', abort);
        entry.reject(error);
      },
    };
    signal.addEventListener('abort', abort, { once: true });
    return waiting;
  }

  #flush(): void {
    while (this.#mayRun()) {
      const entries = this.#waiting.take((key) => !this.#leavesRunner(key) && !this.#rests(key));
      if (entries.length === 0) return;
      const batch = this.#toBatch(entries);
      const begun = performance.now();
      const running = this.#runBatch(entries).finally(() => {
        this.#running.delete(running);
        this.#rest(batch, performance.now() - begun);
        this.#flush();
      });
      this.#running.set(running, batch);
    }
  }

  #toBatch(entries: readonly Waiting<Item, Result>[]): Batch {
    const weights = new Map<string, number>();
    for (const { key, weightInBatch } of entries) weights.set(key, (weights.get(key) ?? 0) + weightInBatch);
    const least = much * (this.#options.fairness?.quantum ?? Number.POSITIVE_INFINITY);
    return {
      weight: weights.values().reduce((sum, weight) => sum + weight, 0),
      keys: new Set(weights.keys()),
      heavyKeys: [...weights].filter(([, weight]) => weight >= least).map(([key]) => key),
    };
  }

  #rest({ heavyKeys }: Batch, tookMs: number): void {
    const restMs = Math.min(tookMs, longestRestMs);
    if (this.#options.fairness?.hasOthers === undefined || this.#closed || restMs < 1) return;
    for (const key of heavyKeys) this.#restUntil.set(key, performance.now() + restMs);
    setTimeout(() => {
      const now = performance.now();
      for (const [key, until] of this.#restUntil) if (until <= now + 1) this.#restUntil.delete(key);
      this.#flush();
    }, Math.ceil(restMs));
  }

  #rests(key: string): boolean {
    return !this.#closed && this.#restUntil.has(key) && this.#options.fairness?.hasOthers?.(key) === true;
  }

  #mayRun(): boolean {
    if (this.#waiting.size === 0 || this.#running.size >= this.#options.maxConcurrent) return false;
    if (this.#running.size === 0 || this.#waiting.weightInBatch >= (this.#options.minParallelWeight ?? 0)) return true;
    return this.#isBesideOthersOnly();
  }

  /** Whether only large batches run, none of them with items of a key that waits: it would wait for others' work. */
  #isBesideOthersOnly(): boolean {
    const { fairness } = this.#options;
    if (fairness === undefined) return false;
    const batches = [...this.#running.values()];
    if (batches.some(({ weight }) => weight < fairness.quantum)) return false;
    return this.#waiting.keys().some((key) => batches.every(({ keys }) => !keys.has(key)));
  }

  /** Whether a key has to leave the last free runner to others: they were there a moment ago. */
  #leavesRunner(key: string): boolean {
    const { fairness, maxConcurrent } = this.#options;
    if (fairness === undefined || maxConcurrent < 2 || this.#closed) return false;
    const own = [...this.#running.values()].filter(({ keys }) => keys.size === 1 && keys.has(key)).length;
    return own >= maxConcurrent - 1 && this.#waiting.hasSeenOthers(key, fairness.reserveMs);
  }

  async #runBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map((entry) => entry.item));
      if (results.length !== batch.length) throw new Error(`${results.length} results for ${batch.length} items`);
      // One for each, as counted above, whatever their type.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      for (const [n, entry] of batch.entries()) entry.resolve(results[n] as Result);
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  }
}
