/** A message among those that stand around the best candidates, as it is read: in the order of the conversation. */
export interface NeighbourhoodRow {
  readonly id: string;
  /** The message just before it in the conversation; undefined for the first, and where nobody looked. */
  readonly previousId: string | undefined;
  /** Cosines of its vector and those of the row before it, and of the row before that one. */
  readonly likeness: readonly [number | undefined, number | undefined];
}

/** Who stands beside whom in a conversation, as far as it was read. */
export interface Neighbourhood {
  readonly earlierOf: (id: string) => string | undefined;
  readonly laterOf: (id: string) => string | undefined;
  /** Cosine of the vectors of two messages that are at most two apart, the earlier one first. */
  readonly likenessOf: (earlierId: string | undefined, laterId: string | undefined) => number | undefined;
}

export const noNeighbourhood = createNeighbourhood([]);

/** @param rows each message once, in the order of their conversations. */
export function createNeighbourhood(rows: readonly NeighbourhoodRow[]): Neighbourhood {
  const earlier = new Map<string, string>();
  const later = new Map<string, string>();
  for (const { id, previousId } of rows) {
    if (previousId === undefined) continue;
    earlier.set(id, previousId);
    later.set(previousId, id);
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
