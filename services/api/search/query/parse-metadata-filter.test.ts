import { describe, expect, test } from 'vitest';
import { holdsForNone } from './metadata-filter.ts';
import { parseMetadataFilter } from './parse-metadata-filter.ts';

const filterOf = (value: unknown) => {
  const parsed = parseMetadataFilter(value);
  return parsed.ok ? parsed.filter : parsed.problems;
};
const postingsOf = (value: unknown) => {
  const parsed = parseMetadataFilter(value);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path.join('/'));
};
const condition = { key: 'a', eq: 1 };
const nested = (levels: number): unknown => (levels === 1 ? condition : { not: nested(levels - 1) });
const many = (count: number) => Array.from({ length: count }, () => condition);

describe('a filter is read', () => {
  test.each([
    [
      { key: 'a.b', eq: 'x' },
      { kind: 'eq', path: ['a', 'b'], value: 'x' },
    ],
    [
      { key: ['a.b', ''], ne: null },
      { kind: 'ne', path: ['a.b', ''], value: null },
    ],
    [
      { key: 'a', in: [1, 'x', true] },
      { kind: 'in', path: ['a'], values: [1, 'x', true] },
    ],
    [
      { key: '__proto__', exists: true },
      { kind: 'exists', path: ['__proto__'], value: true },
    ],
    [{ not: { key: 'a', lt: 'x' } }, { kind: 'not', part: { kind: 'lt', path: ['a'], value: 'x' } }],
    [
      { key: 'n', gte: 1, lt: 5 },
      {
        kind: 'and',
        parts: [
          { kind: 'gte', path: ['n'], value: 1 },
          { kind: 'lt', path: ['n'], value: 5 },
        ],
      },
    ],
    [{ or: [condition] }, { kind: 'or', parts: [{ kind: 'eq', path: ['a'], value: 1 }] }],
  ])('%j', (value, filter) => {
    expect(filterOf(value)).toEqual(filter);
  });

  test('up to its bounds', () => {
    expect(postingsOf(nested(8))).toEqual([]);
    expect(postingsOf({ and: many(49) })).toEqual([]);
    expect(postingsOf({ key: 'a', in: Array.from({ length: 100 }, (_, n) => n) })).toEqual([]);
    expect(postingsOf({ key: Array.from({ length: 10 }, () => 'k'), exists: true })).toEqual([]);
  });
});

describe('what is wrong is named by its place', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['nothing', null, ['']],
    ['text', 'x', ['']],
    ['list', [condition], ['']],
    ['empty object', {}, ['']],
    ['no operator', { key: 'a' }, ['']],
    ['no key', { eq: 1, gt: 0 }, ['eq', 'gt']],
    ['the form of others', { topic: { eq: 'x' } }, ['topic']],
    ['unknown operator', { and: [condition, { key: 'a', like: 'x', eq: 1 }] }, ['and/1/like']],
    ['prototype names', JSON.parse('{"key":"a","__proto__":1,"constructor":1}'), ['__proto__', 'constructor']],
    ['two joints', { and: [condition], or: [condition] }, ['or']],
    ['joint beside key', { not: condition, key: 'a' }, ['key']],
    ['empty list of parts', { or: [] }, ['or']],
    ['parts as object', { and: condition }, ['and']],
    ['part that is none', { or: [condition, 1, { not: [] }] }, ['or/1', 'or/2/not']],
    ['object to compare with', { key: 'a', eq: {} }, ['eq']],
    ['list to compare with', { key: 'a', ne: [1] }, ['ne']],
    ['in without a list', { key: 'a', in: 'x' }, ['in']],
    ['in of nothing', { key: 'a', in: [] }, ['in']],
    ['in of lists', { key: 'a', in: [1, [2]] }, ['in/1']],
    ['too long a list', { key: 'a', in: Array.from({ length: 101 }, (_, n) => n) }, ['in']],
    ['range over true', { key: 'a', gt: true, lt: null }, ['gt', 'lt']],
    ['exists of text', { key: 'a', exists: 'true' }, ['exists']],
    ['a number that is too large', JSON.parse('{"key":"a","eq":1e400}'), ['eq']],
    ['a number that loses digits', { key: 'a', gte: 2 ** 53 }, ['gte']],
    ['NUL in a value', { key: 'a', eq: '\0' }, ['eq']],
    ['NUL in a key', { key: ['a', '\0'], eq: 1 }, ['key/1']],
    ['lone surrogate', { key: '\ud800', eq: '\udc00' }, ['key', 'eq']],
    ['empty key', { key: '', eq: 1 }, ['key']],
    ['empty key in a path', { key: 'a..b', eq: 1 }, ['key']],
    ['no keys', { key: [], eq: 1 }, ['key']],
    ['number as key', { key: ['a', 0], eq: 1 }, ['key/1']],
    ['key of no type', { key: 1, eq: 1 }, ['key']],
    ['too long a path', { key: 'a.a.a.a.a.a.a.a.a.a.a', eq: 1 }, ['key']],
    ['too many conditions', { and: many(60) }, ['and/49']],
  ])('%s', (_, value, places) => {
    expect(postingsOf(value)).toEqual(places);
  });

  test('too deep, however deep', () => {
    expect(postingsOf(nested(9))).toEqual(['not/not/not/not/not/not/not/not']);
    let deep: unknown = condition;
    for (let level = 0; level < 50_000; level += 1) deep = { not: deep };
    expect(postingsOf(deep)).toHaveLength(1);
  });

  const range = (n: number) => ({ key: 'n', gte: n });
  const list = { key: 'a', in: [1, 2, 3] };

  test.each<[string, unknown, number]>([
    ['each range', { and: [range(1), range(2), range(3), { key: 'n', lt: 1, gt: 0 }] }, 5],
    ['opposites and existence', { and: [1, 2, 3].map((n) => ({ key: 'a', ne: n, exists: true })) }, 6],
    ['what is negated', { not: { or: Array.from({ length: 5 }, () => condition) } }, 5],
    ['what stands beside a range in an or', { or: [condition, list, condition, list, range(1)] }, 5],
    ['what stands in an or within a not', { not: { not: { or: Array.from({ length: 7 }, () => list) } } }, 7],
  ])('more conditions than are compared with every message: %s', (_, value, count) => {
    expect(filterOf(value)).toEqual([
      { path: [], message: `has ${count} conditions that no index serves: at most 4 are taken` },
    ]);
  });

  test('but not those that an index serves, or few', () => {
    expect(postingsOf({ and: [...many(40), range(1), { key: 'n', lt: 1, exists: true, ne: 2 }] })).toEqual([]);
    expect(postingsOf({ or: many(48) })).toEqual([]);
    expect(postingsOf({ or: [{ and: [condition, range(1), range(2)] }, { and: [list, range(3), range(4)] }] })).toEqual(
      [],
    );
  });

  test('too many values in all', () => {
    const hundred = { key: 'a', in: Array.from({ length: 100 }, (_, n) => n) };
    expect(postingsOf({ or: [hundred, hundred] })).toEqual([]);
    expect(postingsOf({ or: [hundred, hundred, condition] })).toEqual(['or/2/eq']);
  });
});

test.each([
  [{ key: 'a', eq: null }, false],
  [{ key: 'a', in: ['x', null] }, false],
  [{ key: 'a', gte: 0 }, false],
  [{ key: 'a', exists: true }, false],
  [{ key: 'a', exists: false }, true],
  [{ key: 'a', ne: 1 }, true],
  [{ not: { key: 'a', eq: 1 } }, true],
  [
    {
      and: [
        { key: 'a', ne: 1 },
        { key: 'a', eq: 1 },
      ],
    },
    false,
  ],
  [
    {
      or: [
        { key: 'a', ne: 1 },
        { key: 'a', eq: 1 },
      ],
    },
    true,
  ],
])('a message without metadata passes %j: %j', (value, expected) => {
  const parsed = parseMetadataFilter(value);
  expect(parsed.ok && holdsForNone(parsed.filter)).toBe(expected);
});
