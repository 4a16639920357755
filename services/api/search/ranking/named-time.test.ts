import { expect, test } from 'vitest';
import { timeGain } from './named-time.ts';
import { candidate } from './testing/candidates.ts';

const time = { from: new Date('2026-06-01T00:00:00Z'), to: new Date('2026-06-08T00:00:00Z'), text: 'last week' };
const at = (moment: string) => candidate(moment, { createdAt: new Date(moment) });
const within = at('2026-06-03T10:00:00Z');
const beside = at('2026-06-11T12:00:00Z');
const before = at('2026-05-28T12:00:00Z');
const far = at('2024-06-03T10:00:00Z');
const all = [within, beside, before, far];

test('a message of the time gains most, and one beside it by its distance', () => {
  const gainOf = timeGain(all, time, 1);
  expect(gainOf(within)).toBeCloseTo(0.2);
  expect(gainOf(beside)).toBeCloseTo(0.1);
  expect(gainOf(before)).toBeCloseTo(0.1);
  expect(gainOf(far)).toBeCloseTo(0);
  expect(timeGain(all, time, 2)(within)).toBeCloseTo(0.4);
});

test('beside a time of an hour the gain halves in a day', () => {
  const hour = { from: new Date('2026-06-03T10:00:00Z'), to: new Date('2026-06-03T11:00:00Z'), text: 'two hours ago' };
  const dayBefore = at('2026-06-02T10:00:00Z');
  expect(timeGain([within, dayBefore], hour, 1)(dayBefore)).toBeCloseTo(0.1);
});

test('the end is outside, the beginning is not', () => {
  const [first, end] = [at('2026-06-01T00:00:00Z'), at('2026-06-08T00:00:00Z')];
  expect(timeGain([first], time, 1)(first)).toBe(0.2);
  expect(timeGain([end], time, 1)(end)).toBe(0);
});

test('a time of which nothing is there moves nothing', () => {
  expect([beside, before, far].map(timeGain([beside, before, far], time, 1))).toEqual([0, 0, 0]);
  const ineligible = { ...within, eligible: false };
  expect([ineligible, beside].map(timeGain([ineligible, beside], time, 1))).toEqual([0, 0]);
});

test('nor does one that the query does not name, or that does not count', () => {
  expect(all.map(timeGain(all, undefined, 1))).toEqual([0, 0, 0, 0]);
  expect(all.map(timeGain(all, time, 0))).toEqual([0, 0, 0, 0]);
});
