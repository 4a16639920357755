interface WithId {
  readonly id: string;
}

/**
 * The rows of the best `count` of `ranked` that are still there, best first, each with what it was ranked as. Ranked was
 * what a moment ago, or a replica, knew; rows come from the primary, so that what was deleted meanwhile is never shown.
 * The next best take the places of those that are gone: fewer than `count` only when there are no more.
 *
 * @param getRows the rows of those ids that exist, in any order. Asked once when none is gone.
 */
export async function currentRows<Ranked extends WithId, Row extends WithId>(
  ranked: readonly Ranked[],
  count: number,
  getRows: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<{ readonly ranked: Ranked; readonly row: Row }[]> {
  const found: { readonly ranked: Ranked; readonly row: Row }[] = [];
  for (let next = 0; found.length < count && next < ranked.length;) {
    const asked = ranked.slice(next, next + count - found.length);
    next += asked.length;
    const rows = new Map((await getRows(asked.map(({ id }) => id))).map((row) => [row.id, row]));
    for (const candidate of asked) {
      const row = rows.get(candidate.id);
      if (row !== undefined) found.push({ ranked: candidate, row });
    }
  }
  return found;
}
