import { expect, test } from 'vitest';
import { parseRetrievalOptions } from './options.ts';
import { variants } from './variants.ts';

test('one option is enough', () => {
  expect(parseRetrievalOptions(['--file', 'x.json'])).toMatchObject({
    file: 'x.json',
    url: undefined,
    chats: Number.POSITIVE_INFINITY,
    variants: [{ name: 'default', request: {} }],
  });
});

test('variants are named, or all', () => {
  const pick = (names: string) => parseRetrievalOptions(['--file', 'x', '--variants', names]).variants;
  expect(pick('all')).toEqual(variants);
  expect(pick('vector,default').map(({ name }) => name)).toEqual(['vector', 'default']);
});

test('a suite is measured beside BM25', () => {
  const names = parseRetrievalOptions(['--suite', 'sets']).variants.map(({ name }) => name);
  expect(names).toEqual(['default', 'lexical', 'vector', 'bm25', 'bm25-neighbours']);
});

test('others are given as they are sent', () => {
  const args = ['--file', 'x', '--variant', 'a={"top_k":5}', '--variant', 'b-2={"weights":{"vector":2}}'];
  expect(parseRetrievalOptions(args).variants).toEqual([
    { name: 'default', request: {} },
    { name: 'a', request: { top_k: 5 } },
    { name: 'b-2', request: { weights: { vector: 2 } } },
  ]);
});

test.each<[RegExp, string[]]>([
  [/one of --file, --suite and --results/, []],
  [/one of --file, --suite and --results/, ['--file', 'x', '--results', 'y']],
  [/--chats/, ['--file', 'x', '--chats', '0']],
  [/--concurrency/, ['--file', 'x', '--concurrency', 'many']],
  [/no variant hybrid: there are default/, ['--file', 'x', '--variants', 'hybrid']],
  [/not a variant/, ['--file', 'x', '--variant', '{"top_k":5}']],
  [/JSON/, ['--file', 'x', '--variant', 'a={']],
  [/surprise/, ['--file', 'x', '--surprise']],
])('%s when given %j', (message, args) => {
  expect(() => parseRetrievalOptions(args)).toThrow(message);
});
