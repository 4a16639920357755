import { expect, test } from 'vitest';
import { decayOf } from './decay.ts';

const now = new Date('2026-06-01T00:00:00Z');
const weekly = { mode: 'half_life', halfLifeDays: 7 } as const;

test('halves with every half-life', () => {
  expect(decayOf(now, now, weekly)).toBe(1);
  expect(decayOf(new Date('2026-05-25T00:00:00Z'), now, weekly)).toBeCloseTo(0.5);
  expect(decayOf(new Date('2026-05-18T00:00:00Z'), now, weekly)).toBeCloseTo(0.25);
  expect(decayOf(new Date('2026-05-18T00:00:00Z'), now, { ...weekly, halfLifeDays: 14 })).toBeCloseTo(0.5);
});

test('falls to 1/e in a week in the mode of the service before', () => {
  const legacy = { mode: 'legacy', halfLifeDays: 1 } as const;
  expect(decayOf(now, now, legacy)).toBe(1);
  expect(decayOf(new Date('2026-05-25T00:00:00Z'), now, legacy)).toBeCloseTo(1 / Math.E);
});

test('does not fall at all in the mode none', () => {
  expect(decayOf(new Date(0), now, { mode: 'none', halfLifeDays: 1 })).toBe(1);
});

test.each(['half_life', 'legacy', 'none'] as const)('a message from the future counts as new: %s', (mode) => {
  expect(decayOf(new Date('2027-01-01T00:00:00Z'), now, { mode, halfLifeDays: 7 })).toBe(1);
});
