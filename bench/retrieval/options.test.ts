import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';
import { variants } from './variants.ts';

test('one option is enough', () => {
  expect(parseOptions(['--file', 'x.json'], 'key')).toMatchObject({
    file: 'x.json',
    url: undefined,
    apiKey: 'key',
    chats: Number.POSITIVE_INFINITY,
    variants: [{ name: 'default', request: {} }],
    bootstrap: { scheme: 'chats-and-questions', resamples: 2000, seed: 1 },
  });
});

test('variants are named, or all', () => {
  const pick = (names: string) => parseOptions(['--file', 'x', '--variants', names], '').variants;
  expect(pick('all')).toEqual(variants);
  expect(pick('vector,default').map(({ name }) => name)).toEqual(['vector', 'default']);
});

test('others are given as they are sent', () => {
  const args = ['--file', 'x', '--variant', 'a={"top_k":5}', '--variant', 'b-2={"weights":{"vector":2}}'];
  expect(parseOptions(args, '').variants).toEqual([
    { name: 'default', request: {} },
    { name: 'a', request: { top_k: 5 } },
    { name: 'b-2', request: { weights: { vector: 2 } } },
  ]);
});

test.each<[RegExp, string[]]>([
  [/--file or --results/, []],
  [/--file or --results/, ['--file', 'x', '--results', 'y']],
  [/--chats/, ['--file', 'x', '--chats', '0']],
  [/--concurrency/, ['--file', 'x', '--concurrency', 'many']],
  [/--scheme must be one of/, ['--file', 'x', '--scheme', 'words']],
  [/--without takes speaker, date/, ['--file', 'x', '--without', 'speaker,names']],
  [/no variant hybrid: there are default/, ['--file', 'x', '--variants', 'hybrid']],
  [/not a variant/, ['--file', 'x', '--variant', '{"top_k":5}']],
  [/JSON/, ['--file', 'x', '--variant', 'a={']],
  [/surprise/, ['--file', 'x', '--surprise']],
])('%s when given %j', (message, args) => {
  expect(() => parseOptions(args, undefined)).toThrow(message);
});
