import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasAtMostJsonBytes } from './json-bytes.ts';

test('counts what JSON.stringify writes, to the byte', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const whole = JSON.parse(JSON.stringify({ value, text, [text]: [text, {}, []] }), withoutSmallNumbers);
      const bytes = Buffer.byteLength(JSON.stringify(whole));
      expect([hasAtMostJsonBytes(whole, bytes), hasAtMostJsonBytes(whole, bytes - 1)]).toEqual([true, false]);
    }),
  );
});

function withoutSmallNumbers(_: string, value: unknown): unknown {
  return typeof value === 'number' && String(value).includes('e-') ? 0 : value;
}

test('a number counts as PostgreSQL keeps it', () => {
  expect(hasAtMostJsonBytes([5e-324], 328)).toBe(true);
  expect(hasAtMostJsonBytes([5e-324], 300)).toBe(false);
});

test('escapes and characters outside ASCII count as they are written', () => {
  expect(hasAtMostJsonBytes({ a: '\u0001' }, 14)).toBe(true);
  expect(hasAtMostJsonBytes({ a: '\u0001' }, 13)).toBe(false);
  expect(hasAtMostJsonBytes('😀', 6)).toBe(true);
  expect(hasAtMostJsonBytes('😀', 5)).toBe(false);
});

test('nesting deeper than the stack is counted', () => {
  const depth = 200_000;
  let nested: unknown = [];
  for (let level = 1; level < depth; level += 1) nested = [nested];
  expect(hasAtMostJsonBytes(nested, 2 * depth)).toBe(true);
  expect(hasAtMostJsonBytes(nested, 2 * depth - 1)).toBe(false);
});
