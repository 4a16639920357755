/** How long slices run before the event loop has its turn, in milliseconds. */
const budgetMs = 5;

/** Runs the work of one key. */
export interface Slicer {
  /** @param slice does a part of the work, at most a few milliseconds of it. */
  run<T>(slice: () => T): Promise<T>;
  /**
   * The same for a slice that something follows at once, as checking a body follows decoding it: it ends its turn.
   *
   * @param spentMs what was spent for it before: others have as long for that, too.
   */
  runAlone<T>(slice: () => T, spentMs?: number): Promise<T>;
  /** Does something for each item, as many in a slice as fit the time. */
  map<Item, Result>(items: readonly Item[], each: (item: Item, index: number) => Result): Promise<Result[]>;
}

interface Slice {
  readonly run: () => void;
  /** Of one that is alone in its turn. */
  readonly spentMs: number | undefined;
}

/**
 * Runs work that would hold the event loop for long, a slice at a time: after some milliseconds of it everything else
 * has its turn, however many requests have such work. Keys take turns, so that a caller with sixty large requests has as
 * much of the time as one with a single request; those of one key take turns too. After a slice that cannot be
 * a small one others have as long a time, while they ask.
 */
export class TimeSlicer {
  readonly #slicesByKey = new Map<string, Slice[]>();
  readonly #hasOthers: (key: string) => boolean;
  #isScheduled = false;
  /** Until when the time belongs to others, if there are any. */
  #restUntil = 0;

  /** @param hasOthers whether anybody else than a key asks at the moment. */
  constructor(hasOthers: (key: string) => boolean = () => false) {
    this.#hasOthers = hasOthers;
  }

  /** @param key whose turn it is: a tenant, or an API key of all tenants. */
  of(key: string): Slicer {
    const run = <T>(slice: () => T): Promise<T> => this.#run(key, slice, undefined);
    return {
      run,
      runAlone: (slice, spentMs = 0) => this.#run(key, slice, spentMs),
      map: (items, each) => mapInSlices(run, items, each),
    };
  }

  #run<T>(key: string, slice: () => T, spentMs: number | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(slice());
        } catch (error) {
          reject(error);
        }
      };
      const slices = this.#slicesByKey.get(key) ?? [];
      this.#slicesByKey.set(key, slices);
      slices.push({ run, spentMs });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const run = (): void => this.#turn();
    const restMs = this.#restUntil - performance.now();
    if (restMs >= 1 && this.#slicesByKey.keys().every(this.#hasOthers)) setTimeout(run, restMs);
    else setImmediate(run);
  }

  #turn(): void {
    const begun = performance.now();
    const until = begun + budgetMs;
    // A key that is alone has the whole turn; of several each has a slice, also one whose next slice comes after it.
    let spentMs: number | undefined;
    const waiting = this.#slicesByKey.size === 1 ? this.#slicesByKey : [...this.#slicesByKey];
    for (const [key, slices] of waiting) {
      const slice = slices.shift();
      // To the end of the line.
      this.#slicesByKey.delete(key);
      if (slices.length > 0) this.#slicesByKey.set(key, slices);
      slice?.run();
      spentMs = slice?.spentMs;
      if (spentMs !== undefined || performance.now() >= until) break;
    }
    const since = begun - (spentMs ?? 0);
    if (spentMs === undefined) this.#endTurn();
    // After all microtasks: what follows a slice at once is done in them.
    else queueMicrotask(() => process.nextTick(() => this.#endTurn(since)));
  }

  /** @param since when the work began of a slice that was alone in its turn. */
  #endTurn(since?: number): void {
    const ended = performance.now();
    this.#restUntil = since === undefined ? ended : ended + (ended - since);
    this.#isScheduled = false;
    if (this.#slicesByKey.size > 0) this.#schedule();
  }
}

async function mapInSlices<Item, Result>(
  run: Slicer['run'],
  items: readonly Item[],
  each: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  while (results.length < items.length) {
    await run(() => {
      const until = performance.now() + budgetMs / 2;
      do {
        const index = results.length;
        // There: the loop ends before the last one.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        results.push(each(items[index] as Item, index));
      } while (results.length < items.length && performance.now() < until);
    });
  }
  return results;
}
