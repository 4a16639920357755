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
  ['foo="a, wait=9', 9],
  ['foo="a\\", wait=9', 9],
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

test('security: of a header above 1 KiB nothing is read', () => {
  const long = (length: number) => 'wait=5, x=y'.padEnd(length, 'y');
  expect(parsePreferWait(long(1024))).toBe(5);
  expect(parsePreferWait(long(1025))).toBeUndefined();
});
