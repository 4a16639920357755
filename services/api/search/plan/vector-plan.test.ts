import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noSegments, type ReadySegments } from '../stats/segment-directory.ts';
import { efSearchFor, planGraphs } from './vector-plan.ts';

const of = (...vectors: number[]): ReadySegments => ({
  segments: vectors.map((n) => ({ afterId: '', throughId: '', vectors: n })),
  rowsPerMessage: 1,
  sample: [],
});
const ten = { limit: 10, isJoined: false };

test('without segments there are no graphs to ask', () => {
  expect(planGraphs(noSegments, ten)).toBeUndefined();
  expect(planGraphs(of(0), ten)).toBeUndefined();
});

test('where few vectors are, or nearly all are wanted, reading all takes less', () => {
  expect(planGraphs(of(2900), ten)).toBeUndefined();
  expect(planGraphs(of(10_000), ten)).toBeDefined();
  expect(planGraphs(of(10_000), { limit: 1000, isJoined: false })).toBeUndefined();
});

test('the rows wanted are spread over the segments by their size, and recall asks for some of each', () => {
  expect(planGraphs(of(100_000), ten)?.rows).toEqual([120]);
  expect(planGraphs(of(100_000, 50_000, 10_000), ten)?.rows).toEqual([120, 63, 40]);
  expect(planGraphs(of(300_000, 100_000), { limit: 1000, isJoined: false })?.rows).toEqual([830, 280]);
});

test('messages of several passages take more rows', () => {
  const rows = (rowsPerMessage: number) =>
    planGraphs({ ...of(300_000), rowsPerMessage }, { limit: 500, isJoined: false })?.rows[0] ?? 0;
  expect(rows(3) / rows(1)).toBeCloseTo(2);
});

test('the share from which graphs are asked falls with the size of the tenant', () => {
  const share = (vectors: number, isJoined = false) => planGraphs(of(vectors), { ...ten, isJoined })?.minShare;
  expect(share(100_000)).toBeCloseTo(0.173);
  expect(share(1_000_000)).toBeCloseTo(0.055);
  expect(share(100_000, true)).toBeCloseTo(0.139);
});

test('what is asked is within what the index allows', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 2_000_000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 1, max: 20, noNaN: true }),
      (list, limit, r) => {
        const plan = planGraphs({ ...of(...list), rowsPerMessage: r }, { limit, isJoined: false });
        if (plan === undefined) return;
        expect(plan.rows).toHaveLength(list.length);
        expect(plan.rows.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(limit);
        for (const rows of plan.rows) expect(efSearchFor(rows)).toBeLessThanOrEqual(1000);
        expect(plan.maxScanTuples).toBeGreaterThan(Math.max(...plan.rows));
        expect(plan.maxScanTuples).toBeLessThan(2 ** 31);
      },
    ),
  );
});
