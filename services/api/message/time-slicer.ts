/** How long slices run before the event loop has its turn, in milliseconds. */
const budgetMs = 5;

/**
 * Runs work that would hold the event loop for long, a slice at a time and in the order of asking: after some
 * milliseconds of it everything else has its turn, however many requests have such work.
 */
export class TimeSlicer {
  readonly #slices = new Set<() => void>();
  #isScheduled = false;

  /** @param slice does a part of the work, at most a few milliseconds of it. */
  run<T>(slice: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(slice());
        } catch (error) {
          reject(error);
        }
      };
      this.#slices.add(run);
      this.#schedule();
    });
  }

  /** Does something for each item, as many in a slice as fit the time. */
  async map<Item, Result>(items: readonly Item[], each: (item: Item, index: number) => Result): Promise<Result[]> {
    const results: Result[] = [];
    while (results.length < items.length) {
      await this.run(() => {
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
    for (const slice of this.#slices) {
      this.#slices.delete(slice);
      slice();
      if (performance.now() >= until) break;
    }
    if (this.#slices.size > 0) this.#schedule();
  }
}
