import { expect, test } from 'vitest';
import { parseOperators } from '../query/parse-query.ts';
import type { TextInLanguage } from './lexical.repository.ts';
import { ParsedQueryCache } from './parsed-query-cache.ts';

function createCache() {
  const clock = { time: 1, now: () => new Date(clock.time) };
  const parsed: string[] = [];
  const state: { failure?: Error } = {};
  const cache = new ParsedQueryCache({
    clock,
    load: async ({ words }, signal) => {
      parsed.push(words);
      if (state.failure) throw state.failure;
      signal?.throwIfAborted();
      return [{ terms: [`${words} ${parsed.length}`], names: [], phrases: [], required: [], excluded: [] }];
    },
  });
  const termsOf = (languages: readonly TextInLanguage[]) => languages.flatMap(({ terms }) => terms);
  const get = async (text: string, signal?: AbortSignal) => termsOf(await cache.get(parseOperators(text), signal));
  return { get, clock, parsed, state };
}

test('a text is parsed once for all who ask at once, and for those who ask within half a minute', async () => {
  const { get, clock, parsed } = createCache();
  expect(await Promise.all([get('red'), get('red')])).toEqual([['red 1'], ['red 1']]);
  clock.time += 29_000;
  expect(await get('red')).toEqual(['red 1']);
  clock.time += 2000;
  expect(await get('red')).toEqual(['red 2']);
  expect(parsed).toEqual(['red', 'red']);
});

test('texts that differ in a clause alone are kept apart', async () => {
  const { get, parsed } = createCache();
  await get('red car');
  await get('red +car');
  await get('red -car');
  await get('red "car boat"');
  expect(parsed).toHaveLength(4);
});

test('a failure is not kept', async () => {
  const { get, state } = createCache();
  state.failure = new Error('away');
  await expect(get('red')).rejects.toThrow('away');
  delete state.failure;
  expect(await get('red')).toEqual(['red 2']);
});

test('a long text is not kept, and its caller can cancel it', async () => {
  const { get, parsed } = createCache();
  const long = 'word '.repeat(300);
  await get(long);
  await get(long);
  expect(parsed).toHaveLength(2);
  await expect(get(long, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
});

test('of very many texts those are kept that were asked last', async () => {
  const { get, parsed } = createCache();
  await get('first');
  for (let n = 0; n < 4999; n++) await get(`text ${n}`);
  await get('first');
  await get('one more');
  expect(parsed).toHaveLength(5001);
  await get('first');
  expect(parsed).toHaveLength(5001);
  await get('text 0');
  expect(parsed).toHaveLength(5002);
});
