import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasAtMostJsonBytes, isWithinShape } from './json-size.ts';

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

describe('the shape of JSON text', () => {
  /** Names, values and members, as counted in what the text stands for. */
  function shapeOf(value: unknown): { parts: number; members: number } {
    const own = typeof value === 'object' && value !== null;
    const items = own ? Object.values(value) : [];
    const names = own && !Array.isArray(value) ? items.length : 0;
    const between = Math.max(0, items.length - 1) + names;
    const inner = items.reduce((sum: number, item) => sum + shapeOf(item).parts, 0);
    return { parts: (own ? 1 : 0) + between + inner, members: between };
  }

  test('is counted outside of strings, to the last bracket, colon and comma', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom(0, 2), (value, text, space) => {
        const whole = { value, text, [text]: [text, '","', '\\"{'] };
        const json = JSON.stringify(whole, undefined, space);
        const { parts } = shapeOf(JSON.parse(json));
        expect([
          isWithinShape(json, { members: 9, parts }),
          isWithinShape(json, { members: 9, parts: parts - 1 }),
        ]).toEqual([true, false]);
      }),
    );
  });

  test('members are those of the outermost object, also of the same name again and again', () => {
    const json = '{"a":{"b":0,"c":0,"d":0},"a":0,"a":0}';
    expect(isWithinShape(json, { members: 3, parts: 100 })).toBe(true);
    expect(isWithinShape(json, { members: 2, parts: 100 })).toBe(false);
  });

  test.each(['"', '\\', '[', '{"a', '"\\', ''])('text that is no JSON is read to its end: %j', (part) => {
    expect(isWithinShape(part.repeat(50_000), { members: 1e6, parts: 1e6 })).toBe(true);
  });
});
