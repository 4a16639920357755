import { expect, test } from 'vitest';
import { average, judge } from './metrics.ts';

test('counts the evidence among the first k', () => {
  const quality = judge(['a', 'x', 'b', 'y', 'z', 'c'], ['a', 'c']);
  expect(quality.recall.get(5)).toBe(0.5);
  expect(quality.recall.get(10)).toBe(1);
  expect(quality.reciprocalRank).toBe(1);
});

test('a perfect ranking has nDCG 1, a missed one 0', () => {
  expect(judge(['a', 'b'], ['b', 'a']).ndcgAt10).toBe(1);
  expect(judge(['x'], ['a'])).toMatchObject({ ndcgAt10: 0, reciprocalRank: 0 });
});

test('averages question by question', () => {
  const mean = average([judge(['a'], ['a']), judge(['x'], ['a'])]);
  expect(mean.recall.get(5)).toBe(0.5);
});
