/**
 * Runs items as a batch; when that fails, each individually, so that one bad item does not fail its neighbours. For a
 * coalescer's `run`: unwrap its results with {@link unwrap}.
 *
 * @param isCommon whether an error is nobody's fault, so that running each individually would end the same.
 */
export function batchOrIndividually<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  isCommon: (error: unknown) => boolean,
): (items: readonly Item[]) => Promise<PromiseSettledResult<Result>[]> {
  return async (items) => {
    try {
      const results = await run(items);
      return results.map((value) => ({ status: 'fulfilled', value }));
    } catch (error) {
      if (items.length === 1 || isCommon(error)) return items.map(() => ({ status: 'rejected', reason: error }));
      return Promise.allSettled(items.map((item) => individually(run, item)));
    }
  };
}

async function individually<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  item: Item,
): Promise<Result> {
  const results = await run([item]);
  if (results.length !== 1) throw new Error(`${results.length} results for one item`);
  // One result is there, whatever its type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return results[0] as Result;
}

/** The result, or the item's own error, thrown. */
export function unwrap<Result>(outcome: PromiseSettledResult<Result>): Result {
  if (outcome.status === 'fulfilled') return outcome.value;
  throw outcome.reason;
}
