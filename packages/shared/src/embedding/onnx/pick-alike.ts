interface HasRow {
  readonly row: { readonly length: number };
}

/** Part of a list: from one place up to, and without, another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * A batch around one entry: those nearest to it in length, as many as the budget allows for. A batch is computed as a
 * rectangle of rows x its longest, so what differs in length costs padding.
 *
 * @param byLength all there is, the shortest first.
 * @param seed place of the entry that must be in it.
 * @param tokenBudget largest rows x longest of the batch; the seed is taken even if it alone is larger.
 */
export function pickAlike(byLength: readonly HasRow[], seed: number, tokenBudget: number): Range {
  const lengthAt = (place: number): number | undefined => byLength[place]?.row.length;
  const own = lengthAt(seed) ?? 0;
  let from = seed;
  let to = seed + 1;
  for (let longest = own; ;) {
    const shorter = lengthAt(from - 1) ?? Number.NEGATIVE_INFINITY;
    const longer = lengthAt(to) ?? Number.POSITIVE_INFINITY;
    const upwards = longer - own < own - shorter;
    const grown = upwards ? longer : longest;
    const isEnd = from === 0 && to === byLength.length;
    if (isEnd || (to - from + 1) * grown > tokenBudget) return { from, to };
    if (upwards) to += 1;
    else from -= 1;
    longest = grown;
  }
}
