import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('doubles with every attempt and stays under an hour', () => {
  const longest = (attempt: number) => backoffMs(attempt, 1000, () => 1);
  expect([1, 2, 3, 4].map(longest)).toEqual([1000, 2000, 4000, 8000]);
  expect(longest(60)).toBe(3_600_000);
});

test('takes anything down to nothing', () => {
  expect(backoffMs(3, 1000, () => 0)).toBe(0);
  expect(backoffMs(3, 1000, () => 0.5)).toBe(2000);
});
