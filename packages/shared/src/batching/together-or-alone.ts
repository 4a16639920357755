/**
 * Does items together; when that fails, each by itself, so that one bad item does not fail its neighbours. For a
 * coalescer's `run`: unwrap what it answers with {@link unwrap}.
 *
 * @param isCommon whether an error is nobody's fault, so that trying each alone would end the same.
 */
export function togetherOrAlone<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  isCommon: (error: unknown) => boolean,
): (items: readonly Item[]) => Promise<PromiseSettledResult<Result>[]> {
  return async (items) => {
    try {
      const results = await run(items);
      return results.map((value) => ({ status: 'fulfilled', value }));
    } catch (error) {
      if (items.length === 1 || isCommon(error)) return items.map(() => ({ status: 'rejected', reason: error }));
      return Promise.allSettled(items.map((item) => alone(run, item)));
    }
  };
}

async function alone<Item, Result>(
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
