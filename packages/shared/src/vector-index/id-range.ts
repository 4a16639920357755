/** Message ids with `afterId` < id <= `throughId`, in the order of their bytes. */
export interface IdRange {
  readonly afterId: string;
  readonly throughId: string;
}

/** Every message id: none is the lower end itself. */
export const allIds: IdRange = {
  afterId: '00000000-0000-0000-0000-000000000000',
  throughId: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};

/**
 * What the given ranges leave out, in order: before, between and after them. The last one is the tail, where new
 * messages come, since their ids are UUIDv7.
 *
 * @param ranges in order, without overlap.
 */
export function uncoveredRanges(ranges: readonly IdRange[]): IdRange[] {
  const starts = [allIds.afterId, ...ranges.map((range) => range.throughId)];
  const ends = [...ranges.map((range) => range.afterId), allIds.throughId];
  return starts
    .map((afterId, index) => ({ afterId, throughId: ends[index] ?? allIds.throughId }))
    .filter((range) => range.afterId < range.throughId);
}
