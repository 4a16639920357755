/** How long slices run before the event loop has its turn, in milliseconds. */
const budgetMs = 5;

/** Runs the work of one key. */
export interface Slicer {
  /** @param slice does a part of the work, at most a few milliseconds of it. */
  run<T>(slice: () => T): Promise<T>;
  /** Does something for each item, as many in a slice as fit the time. */
  map<Item, Result>(items: readonly Item[], each: (item: Item, index: number) => Result): Promise<Result[]>;
}

/**
 * Runs work that would hold the event loop for long, a slice at a time: after some milliseconds of it everything else
 * has its turn, however many requests have such work. Keys take turns, so that a caller with sixty large requests has as
 * much of the time as one with a single request; those of one key take turns too.
 */
export class TimeSlicer {
  readonly #slicesByKey = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** @param key whose turn it is: a tenant, or an API key of all tenants. */
  of(key: string): Slicer {
    const run = <T>(slice: () => T): Promise<T> => this.#run(key, slice);
    return { run, map: (items, each) => mapInSlices(run, items, each) };
  }

  #run<T>(key: string, slice: () => T): Promise<T> {
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
      slices.push(run);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const until = performance.now() + budgetMs;
    // A key that is alone has the whole turn; of several each has a slice, also one whose next slice comes after it.
    const waiting = this.#slicesByKey.size === 1 ? this.#slicesByKey : [...this.#slicesByKey];
    for (const [key, slices] of waiting) {
      const slice = slices.shift();
      // To the end of the line.
      this.#slicesByKey.delete(key);
      if (slices.length > 0) this.#slicesByKey.set(key, slices);
      slice?.();
      if (performance.now() >= until) break;
    }
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
