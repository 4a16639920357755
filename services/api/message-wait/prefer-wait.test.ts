import { expect, test } from 'vitest';
import { parsePreferWait, preferenceApplied } from './prefer-wait.ts';

test.each([
  ['wait=5', 5],
  ['wait=05', 5],
  ['Wait=5', 5],
  ['wait = 5', 5],
  ['wait="5"', 5],
  ['respond-async, wait=10', 10],
  ['return=minimal; foo="a, wait=9; b", wait=7', 7],
  ['wait=7; level=soft', 7],
  ['foo; bar, , wait=3', 3],
  ['foo="a\\", wait=9", wait=3', 3],
  ['wait=3, wait=9', 3],
  ['wait=61', 60],
  ['wait=99999999999999999999', 60],
])('%s', (header, seconds) => {
  expect(parsePreferWait(header)).toBe(seconds);
});

test.each([
  undefined,
  '',
  'wait',
  'wait=',
  'wait=0',
  'wait=-1',
  'wait=1.5',
  'wait=5s',
  'wait=five',
  'waiting=5',
  'x-wait=5',
  'wait 5',
  'foo="wait=5',
  'wait=x, wait=5',
  'return=minimal',
])('%j is ignored', (header) => {
  expect(parsePreferWait(header)).toBeUndefined();
});

test('the bound is the one that is given, and is what was applied', () => {
  const seconds = parsePreferWait('wait=30', 14);
  expect(seconds).toBe(14);
  expect(preferenceApplied(14)).toBe('wait=14');
});

test.each([
  (n: number) => `wait${' '.repeat(n)}=${' '.repeat(n)}x`,
  (n: number) => `wait=1${'; '.repeat(n)}"`,
  (n: number) => `foo="${'\\'.repeat(n)}, wait=1`,
  (n: number) => '"'.repeat(n),
  (n: number) => `${' ;a= '.repeat(n)}"`,
])('security: a header of 16 KiB is read in no time (%#)', (make) => {
  const started = performance.now();
  for (const n of [100, 3000, 16_000]) parsePreferWait(make(n));
  // Backtracking would take minutes.
  expect(performance.now() - started).toBeLessThan(5000);
});
