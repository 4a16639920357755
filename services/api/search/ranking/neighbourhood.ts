/** A message among those that stand around the best candidates, as it is read: in the order of the conversation. */
export interface NeighbourhoodRow {
  readonly id: string;
  /** Ids of the messages around this one, itself among them, in order; only of those that were asked for. */
  readonly chain: readonly string[] | undefined;
  /** Cosines of its vector and those of the row before it, and of the row before that one. */
  readonly likeness: readonly [number | undefined, number | undefined];
}

/** Who stands beside whom in a conversation, as far as it was read. */
export interface Neighbourhood {
  earlierOf(id: string): string | undefined;
  laterOf(id: string): string | undefined;
  /** Cosine of the vectors of two messages that are at most two apart, the earlier one first. */
  likenessOf(earlierId: string | undefined, laterId: string | undefined): number | undefined;
}

export const noNeighbourhood = createNeighbourhood([]);

/** @param rows of all chains, each message once, in the order of their conversations. */
export function createNeighbourhood(rows: readonly NeighbourhoodRow[]): Neighbourhood {
  const earlier = new Map<string, string>();
  const later = new Map<string, string>();
  for (const { chain = [] } of rows) {
    for (const [index, id] of chain.entries()) {
      const next = chain[index + 1];
      if (next === undefined) continue;
      earlier.set(next, id);
      later.set(id, next);
    }
  }
  // What is adjacent in a conversation is adjacent among the rows, since nothing lies between.
  const likeness = new Map(rows.map((row) => [row.id, row.likeness]));
  return {
    earlierOf: (id) => earlier.get(id),
    laterOf: (id) => later.get(id),
    likenessOf(earlierId, laterId) {
      if (earlierId === undefined || laterId === undefined) return undefined;
      const before = earlier.get(laterId);
      if (before === earlierId) return likeness.get(laterId)?.[0];
      return before !== undefined && earlier.get(before) === earlierId ? likeness.get(laterId)?.[1] : undefined;
    },
  };
}
