import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allIds, uncoveredRanges, type IdRange } from './id-range.ts';

const covers = (ranges: readonly IdRange[], id: string) =>
  ranges.filter((range) => range.afterId < id && id <= range.throughId).length;

test('nothing covered leaves one range, all ids', () => {
  expect(uncoveredRanges([])).toEqual([allIds]);
});

test('adjacent ranges leave nothing between them, and always a tail', () => {
  const [a, b, c] = ['01', '02', '03'].map((start) => `${start}900000-0000-7000-8000-000000000000`);
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable');
  const uncovered = uncoveredRanges([
    { afterId: a, throughId: b },
    { afterId: b, throughId: c },
  ]);
  expect(uncovered).toEqual([
    { afterId: allIds.afterId, throughId: a },
    { afterId: c, throughId: allIds.throughId },
  ]);
});

test('every id is in exactly one range, covered or not', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 9 }), fc.uuid(), (ends, id) => {
      const sorted = ends.toSorted();
      const ranges = sorted.slice(1).map((throughId, index) => ({ afterId: sorted[index] ?? '', throughId }));
      const chosen = ranges.filter((_, index) => index % 2 === 0);
      expect(covers([...chosen, ...uncoveredRanges(chosen)], id)).toBe(1);
    }),
  );
});
