import { describe, expect, test } from 'vitest';
import { median, rounded, slope } from './statistics.ts';

describe('statistics', () => {
  test('takes the middle, of an even number the mean of two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });

  test('finds the slope of a line under noise that cancels out', () => {
    const noise = [1, -1, -1, 1];
    expect(slope(noise.map((off, x) => [x, 3 * x + 7 + off] as const))).toBeCloseTo(3);
    expect(slope([[0, 5]])).toBe(0);
  });

  test('rounds to what can be read', () => {
    expect([0.123_456, 12.345, 4321.6].map(rounded)).toEqual([0.123, 12.3, 4322]);
  });
});
