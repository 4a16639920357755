import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { malformedJson, parseJson } from './json-position.ts';

const message = (text: string): string => malformedJson(undefined, 'The body', text).message;

test.each([
  ['', 1, 1],
  ['{', 1, 2],
  ['{"a": 1,}', 1, 9],
  ['{"a" 1}', 1, 6],
  ['{a: 1}', 1, 2],
  ['[1, 2', 1, 6],
  ['[1 2]', 1, 4],
  ['[1,]', 1, 4],
  ['{"a": tru}', 1, 10],
  ['{"a": nope}', 1, 8],
  ['{"a": undefined}', 1, 7],
  ["{'a': 1}", 1, 2],
  ['{"a": "x', 1, 9],
  ['{"a": "x\ty"}', 1, 9],
  ['{"a": "\\x"}', 1, 9],
  ['{"a": "\\u12g4"}', 1, 12],
  ['{"a": 01}', 1, 8],
  ['{"a": -}', 1, 8],
  ['{"a": 1.}', 1, 9],
  ['{"a": 1e}', 1, 9],
  ['{"a": 1} x', 1, 10],
  ['{"a": 1}}', 1, 9],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ['{\r\n  "a": 1,\r\n}', 3, 1],
  ['[\n'.repeat(50_000), 50_001, 1],
])('%.40j stops to be JSON in line %i, column %i', (text, line, column) => {
  expect(message(text)).toBe(`The body is not valid JSON: see line ${line}, column ${column}.`);
});

test('a place within a larger text is named as it is there', () => {
  const whole = '{"messages": [\n{"a": 1},\n{"a": }\n]}';
  const start = whole.lastIndexOf('{');
  expect(() => parseJson(whole.slice(start, -3), whole, start)).toThrow('line 3, column 7');
});

test('says that there is no error where JSON.parse finds none, and an error where it finds one', () => {
  const text = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '"', '}', ']', 'x', '0', '-', '.', 'e', '\\', '\u0001', ':'),
      fc.nat(2),
    )
    .map(([json, at, inserted, removed]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + inserted + json.slice(place + removed);
    });
  const counts = { good: 0, bad: 0 };
  fc.assert(
    fc.property(text, (json) => {
      let isJson = true;
      try {
        JSON.parse(json);
      } catch {
        isJson = false;
      }
      expect(message(json).includes('column')).toBe(!isJson);
      counts[isJson ? 'good' : 'bad'] += 1;
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(counts.good, counts.bad)).toBeGreaterThan(200);
});

test('a long text takes little time, a longer one is not looked through', () => {
  const started = performance.now();
  expect(message(`["${'x'.repeat(2_000_000)}`)).toContain('column');
  expect(performance.now() - started).toBeLessThan(200);
  expect(message(`["${'x'.repeat(3_000_000)}`)).toBe('The body is not valid JSON.');
});
