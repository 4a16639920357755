import { describe, expect, test } from 'vitest';
import { findMetadataProblem as findProblem, timeZoneName } from './field.schemas.ts';

const findMetadataProblem = (value: unknown) => findProblem(value, 65_536);

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));

describe('metadata', () => {
  test('takes ordinary JSON, four levels deep', () => {
    expect(findMetadataProblem({ a: { b: { c: { d: 1 } } }, tags: ['x', null, true, 1.5] })).toBeUndefined();
  });

  test.each([
    [{ a: { b: { c: { d: {} } } } }, ['a', 'b', 'c', 'd'], /deeper than 4/],
    [{ a: [[[['x'], []]]] }, ['a', 0, 0, 0], /deeper than 4/],
    [many(51), [], /more than 50 keys/],
    [{ list: Array.from({ length: 51 }, () => 0) }, ['list'], /more than 50 items/],
    [{ t: 'a\0b' }, ['t'], /NUL/],
    [{ t: ['\ud800'] }, ['t', 0], /lone surrogate/],
    [{ 'k\0': 1 }, [], /NUL/],
    [{ n: 2 ** 53 }, ['n'], /2\^53/],
    [{ n: Infinity }, ['n'], /too large/],
  ])('refuses %j', (value, path, message) => {
    const problem = findMetadataProblem(value);
    expect(problem?.path).toEqual(path);
    expect(problem?.message).toMatch(message);
  });

  test('a key named __proto__ is a key like any other', () => {
    const value: unknown = JSON.parse('{"__proto__": {"x": "\\u0000"}}');
    expect(findMetadataProblem(value)?.path).toEqual(['__proto__', 'x']);
  });
});

describe('the name of a time zone', () => {
  test.each([
    ['UTC', 'UTC'],
    ['Europe/Lisbon', 'Europe/Lisbon'],
    ['europe/LISBON', 'Europe/Lisbon'],
    ['America/Argentina/Buenos_Aires', timeZoneName('america/buenos_AIRES')],
    ['us/PACIFIC', 'America/Los_Angeles'],
  ])('%s is %s', (text, name) => {
    expect(timeZoneName(text)).toBe(name);
  });

  test.each(['', 'Mars/Olympus', '+02:00', '__proto__', 'Europe/Lisbon ', 'A'.repeat(1_000_000)])(
    'is not %.20j',
    (text) => {
      expect(timeZoneName(text)).toBeUndefined();
    },
  );
});
