import fc from 'fast-check';
import { resolveSchema, type Schema } from './operations.ts';

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

/** JSON, or what stands in place of it, as text: `1e400` and a key that comes twice are no values of JavaScript. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '0', '-0', '-1', '1', '""', '" "', '"\\n"', '[]', '{}', '[null]', '[[]]'),
  fc.constantFrom('1e400', '-1e400', '1e308', '5e-324', '9007199254740993', '-9007199254740993', '0.1', '1.0', '1e2'),
  fc.constantFrom('NaN', 'Infinity', 'undefined', '01', '+1', '.5', "'a'", '"a', '{"a":1,}', '[1,]', '//', 'nul'),
  fc.constantFrom(
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00a"',
    '"\\ufeff"',
    '"\\uffff"',
    '"\\u202e"',
    '"\\\\"',
  ),
  fc.constantFrom(
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{}}}',
    '{"a":1,"a":2}',
    '{"":0}',
    '"__proto__"',
  ),
  fc.constantFrom(nested('[', ']', 5), nested('{"a":', '}', 6).replace('}', '0}'), nested('[', ']', 20_000)),
  fc.constantFrom('"%"', '"_"', '"$1"', '"\'; --"', '"<->"', '":*"', '"a & | !b"', '"\\"\\""', '"${x}"', '"../.."'),
  fc.constantFrom('"2026-02-30T00:00:00Z"', '"9999-12-31T23:59:59.999Z"', '"-000001-01-01T00:00:00Z"', '"2026-01-01"'),
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 4, stringUnit: 'binary' }) },
  { weight: 2, arbitrary: fc.double().map((number) => String(number)) },
  fc
    .tuple(fc.constantFrom('x', 'word ', '\u00e9', '\ufdfa', '\\u0000', ' '), fc.constantFrom(257, 1025, 8000, 70_000))
    .map(([text, times]) => `"${text.repeat(times)}"`),
);

/** Texts of headers, parts of a path and parameters, before they are encoded. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', ' ', '.', '..', '0', '-1', '1e9', '1.5', 'NaN', 'true', 'null', 'undefined', '[object Object]'),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '%', '_', '*', '\0', '\n', '\\', '"', "'"),
  fc.constantFrom('\u00e9', '\ufdfa', '\ufeff', '\u202e', '\uffff', '\u{10ffff}', '-me -my', '+"a b"', '-"', '"""'),
  fc.constantFrom('a'.repeat(65), 'a'.repeat(257), 'a'.repeat(6000), '-a '.repeat(1500), '9'.repeat(400)),
  fc.constantFrom(
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '10000-01-01T00:00:00Z',
    '1-2-3',
    '1,2',
    ',',
    '1-1-1-1',
  ),
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 2, arbitrary: fc.integer().map(String) },
);

/** Values that a schema allows; its examples above all, which mean something to the server. */
export function validValue(of: Schema): fc.Arbitrary<unknown> {
  const schema = resolveSchema(of);
  const values = valuesOf(schema);
  if (schema.example === undefined) return values;
  return fc.oneof(fc.constant(schema.example), { weight: 2, arbitrary: values });
}

function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const [type] = [schema.type ?? 'object'].flat();
  const { minimum = -1000, maximum = 1000 } = schema;
  if (type === 'string') return stringsOf(schema);
  if (type === 'integer') return fc.integer({ min: Math.ceil(minimum), max: Math.floor(maximum) });
  if (type === 'number') return fc.double({ min: minimum, max: maximum, noNaN: true });
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') {
    return fc.array(validValue(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 4 });
  }
  return objectsOf(schema);
}

const words = fc
  .array(
    fc.constantFrom('apple', 'garden', 'Lisbon', 'the', 'not', '2026', 'caf\u00e9', '"red car"', '-boat', '\u{1f44b}'),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((list) => list.join(' '));

function stringsOf({ pattern, format, minLength = 0, maxLength = 200 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { maxLength: 20 });
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time') {
    const [min, max] = [new Date(0), new Date('9999-12-31T23:59:59.999Z')];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  return fc.oneof(words, fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 100) }));
}

function objectsOf({ properties, required = [] }: Schema): fc.Arbitrary<unknown> {
  if (properties === undefined) {
    // Keys as entries, so that `__proto__` is one like any other.
    const key = fc.oneof(fc.constantFrom('topic', 'speaker', 'due', '__proto__'), fc.string({ maxLength: 10 }));
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), words);
    return fc.array(fc.tuple(key, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
  }
  const fields = Object.entries(properties).map(([name, schema]) =>
    fc
      .tuple(
        required.includes(name) ? fc.constant(true) : fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
        validValue(schema),
      )
      .map(([isSent, value]) => (isSent ? [[name, value] as const] : [])),
  );
  return fc.tuple(...fields).map((entries) => Object.fromEntries(entries.flat()));
}
