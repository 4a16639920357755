import { allIds, uncoveredRanges } from '@memory-layer/shared/vector-index/id-range';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planVectorIndex, type CountedSegment, type VectorCounts } from './plan-vector-index.ts';

const limits = { minVectors: 10_000, maxTail: 10_000, maxSegment: 130_000 };

const idAt = (n: number) => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

/** Segments side by side from the first id on, then the tail. */
function counts(sizes: readonly number[], tail: number, isQuiet = false): VectorCounts {
  const segments = sizes.map((vectors, n) => ({
    indexName: `s${n}`,
    afterId: n === 0 ? allIds.afterId : idAt(n),
    throughId: idAt(n + 1),
    vectors,
  }));
  const gaps = uncoveredRanges(segments).map((range) => ({ ...range, vectors: tail }));
  return { segments, gaps, isQuiet };
}

const nothing = { drop: [], build: undefined };

describe('a tenant without an index', () => {
  test.each([0, 9999])('of %d vectors keeps none', (vectors) => {
    expect(planVectorIndex(counts([], vectors, true), limits)).toEqual(nothing);
  });

  test('that has become large gets one, of all but its newest vectors', () => {
    const build = { afterId: allIds.afterId, gap: allIds, fresh: 9500, vectors: 9500, replaces: [] };
    expect(planVectorIndex(counts([], 10_000), limits)).toEqual({ drop: [], build });
  });

  test('that is larger than what fits into memory begins with that much', () => {
    expect(planVectorIndex(counts([], 500_000), limits).build).toMatchObject({ fresh: 130_000, replaces: [] });
  });
});

describe('while vectors pour in', () => {
  const joins = (sizes: number[], tail: number) => planVectorIndex(counts(sizes, tail), limits).build?.replaces;

  test('a short tail is left alone', () => {
    expect(planVectorIndex(counts([30_000, 10_000], 9999), limits)).toEqual(nothing);
  });

  test('a long tail becomes a segment, and the third of a size takes the two others in', () => {
    expect(joins([10_000], 10_000)).toEqual([]);
    expect(joins([10_000, 10_000], 10_000)).toEqual(['s0', 's1']);
    expect(joins([30_000, 10_000], 10_000)).toEqual([]);
    expect(joins([30_000, 10_000, 10_000], 10_000)).toEqual(['s1', 's2']);
    expect(joins([30_000, 30_000, 10_000, 10_000], 10_000)).toEqual(['s0', 's1', 's2', 's3']);
  });

  test('what would not fit into memory is not joined', () => {
    expect(joins([130_000, 60_000, 60_000], 60_000)).toEqual([]);
  });

  test('the new segment reaches from the first that it takes in', () => {
    const { build } = planVectorIndex(counts([30_000, 10_000, 10_000], 10_000), limits);
    expect(build).toMatchObject({
      afterId: idAt(1),
      gap: { afterId: idAt(3), throughId: allIds.throughId },
      fresh: 9500,
      vectors: 29_500,
    });
  });
});

describe('in quiet times', () => {
  const joins = (sizes: number[], tail: number) => planVectorIndex(counts(sizes, tail, true), limits).build?.replaces;

  test('what the flood left becomes one', () => {
    expect(joins([90_000, 10_000, 10_000], 1000)).toEqual(['s0', 's1', 's2']);
  });

  test('a quarter of a tail is enough, and a segment six times as large is left alone', () => {
    expect(joins([100_000], 2499)).toBeUndefined();
    expect(joins([100_000], 2500)).toEqual([]);
    expect(joins([100_000, 14_000], 2500)).toEqual(['s1']);
  });

  test('then there is nothing more to do', () => {
    expect(planVectorIndex(counts([100_000], 500, true), limits)).toEqual(nothing);
    expect(planVectorIndex(counts([100_000, 15_000], 500, true), limits)).toEqual(nothing);
  });
});

describe('a tenant that shrinks', () => {
  test('loses its index below half of the limit', () => {
    expect(planVectorIndex(counts([3000], 1999), limits)).toEqual({ drop: ['s0'], build: undefined });
    expect(planVectorIndex(counts([3000], 2000), limits)).toEqual(nothing);
  });

  test('loses a segment that is nearly empty', () => {
    expect(planVectorIndex(counts([100, 60_000], 0), limits)).toEqual({ drop: ['s0'], build: undefined });
  });

  test('and gets back what filled up again before its segments', () => {
    const segment: CountedSegment = { indexName: 's', afterId: idAt(5), throughId: idAt(9), vectors: 60_000 };
    const gaps = uncoveredRanges([segment]).map((range, n) => ({ ...range, vectors: n === 0 ? 12_000 : 300 }));
    const { build } = planVectorIndex({ segments: [segment], gaps, isQuiet: false }, limits);
    expect(build).toEqual({
      afterId: allIds.afterId,
      gap: { afterId: allIds.afterId, throughId: idAt(5) },
      fresh: 12_000,
      vectors: 12_000,
      replaces: [],
    });
  });
});

/** Lives through arrivals as the maintainer would, and counts how often vectors were built in. */
function live(arrivals: readonly number[], isQuiet: boolean) {
  let sizes: number[] = [];
  let tail = 0;
  let built = 0;
  let most = 0;
  for (const arrival of nonEmpty(arrivals)) {
    tail += arrival;
    for (let step = 0; ; step += 1) {
      if (step > 50) throw new Error('the plan never comes to rest');
      const { build, drop } = planVectorIndex(counts(sizes, tail, isQuiet), limits);
      expect(drop).toEqual([]);
      if (build === undefined) break;
      const kept = sizes.slice(0, sizes.length - build.replaces.length);
      tail += sizes.slice(kept.length).reduce((a, b) => a + b, 0) - build.vectors;
      sizes = [...kept, build.vectors];
      built += build.vectors;
      most = Math.max(most, build.vectors);
    }
  }
  return { sizes, tail, built, most };
}

test.each([true, false])(
  'whatever arrives, it comes to rest with few segments and a short tail (quiet: %s)',
  (quiet) => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(arrivals, (list) => {
        const { sizes, tail, most } = live(list, quiet);
        expect(tail).toBeLessThan(limits.maxTail);
        expect(most).toBeLessThanOrEqual(limits.maxSegment);
        const total = sizes.reduce((a, b) => a + b, tail);
        expect(sizes.length).toBeLessThanOrEqual(12 + (2 * total) / limits.maxSegment);
      }),
      { numRuns: 300 },
    );
  },
);

test('a steady flood up to 100 000 indexes each vector less than two and a half times', () => {
  const { built, sizes } = live(
    Array.from({ length: 1000 }, () => 100),
    false,
  );
  expect(built / 100_000).toBeLessThan(2.5);
  expect(sizes.length).toBeLessThanOrEqual(6);
});
