import { AppError } from '../errors/app-error.ts';

export interface CoalescerOptions<Item, Result> {
  /** What is gathered, for the error of a full queue: "messages". */
  readonly what: string;
  /** Does a batch: one result per item, in their order. When it rejects, every item of the batch fails with that. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** How much of a batch an item takes; 1 when not given. */
  readonly weigh?: (item: Item) => number;
  /** A batch ends before the item that would make it heavier; one item may be heavier alone. */
  readonly maxBatchWeight: number;
  /** Batches that run at a time. */
  readonly maxConcurrent: number;
  /**
   * While a batch runs, another one waits until it weighs so much: where a batch has a price of its own, few large ones
   * are cheaper than many small ones side by side. Default 0: it goes as soon as a runner is free.
   */
  readonly minParallelWeight?: number;
  /** How much may wait. An item heavier than this is taken when nothing else waits. */
  readonly maxQueuedWeight: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly weight: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const retryAfterSeconds = 1;

/**
 * Gathers while busy, flushes when free: items that arrive while all runners are at work go together in the next
 * batch, first in, first out. There is no timer, so an idle coalescer adds no delay; the busier it is, the larger
 * its batches. Every item is answered exactly once.
 */
export class Coalescer<Item, Result> {
  readonly #options: CoalescerOptions<Item, Result>;
  readonly #waiting = new Set<Waiting<Item, Result>>();
  readonly #running = new Set<Promise<void>>();
  #queuedWeight = 0;
  #flushAsked = false;
  #closed = false;

  constructor(options: CoalescerOptions<Item, Result>) {
    this.#options = options;
  }

  /** Weight of what waits for a runner; what runs is not counted. */
  get queuedWeight(): number {
    return this.#queuedWeight;
  }

  /**
   * @param signal takes the item out while it waits; once its batch runs, the item is done but the caller is told
   * that it aborted.
   * @throws AppError `unavailable` when too much waits, or after `close`; the signal's reason; what the batch throws.
   */
  submit(item: Item, signal?: AbortSignal): Promise<Result> {
    const { weigh, maxQueuedWeight, what } = this.#options;
    const weight = weigh?.(item) ?? 1;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(new AppError('unavailable', 'Shutting down.', { retryAfterSeconds }));
    if (this.#waiting.size > 0 && this.#queuedWeight + weight > maxQueuedWeight) {
      return Promise.reject(new AppError('unavailable', `Too many ${what} are waiting.`, { retryAfterSeconds }));
    }
    return new Promise((resolve, reject) => this.#enqueue({ item, weight, resolve, reject }, signal));
  }

  /** Takes nothing more and waits for all that was taken. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #enqueue(entry: Waiting<Item, Result>, signal: AbortSignal | undefined): void {
    const waiting = signal === undefined ? entry : this.#abortable(entry, signal);
    this.#waiting.add(waiting);
    this.#queuedWeight += waiting.weight;
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
      if (this.#waiting.delete(waiting)) this.#queuedWeight -= waiting.weight;
      entry.reject(signal.reason);
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
      const running = this.#runBatch(this.#takeBatch()).finally(() => {
        this.#running.delete(running);
        this.#flush();
      });
      this.#running.add(running);
    }
  }

  #mayRun(): boolean {
    if (this.#waiting.size === 0 || this.#running.size >= this.#options.maxConcurrent) return false;
    return this.#running.size === 0 || this.#queuedWeight >= (this.#options.minParallelWeight ?? 0);
  }

  #takeBatch(): Waiting<Item, Result>[] {
    const batch: Waiting<Item, Result>[] = [];
    let weight = 0;
    for (const entry of this.#waiting) {
      if (batch.length > 0 && weight + entry.weight > this.#options.maxBatchWeight) break;
      weight += entry.weight;
      batch.push(entry);
      this.#waiting.delete(entry);
    }
    this.#queuedWeight -= weight;
    return batch;
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
