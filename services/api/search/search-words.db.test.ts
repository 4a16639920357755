import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Memory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';
import { searchModes } from './query/search-request.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const contents = [
  'The red car is in the garden.',
  'The car is red, and the garden is green.',
  'A boat in the garden.',
  'To be or not to be.',
];

async function garden(): Promise<Memory> {
  const memory = createMemory(() => api);
  await memory.store(...contents.map((content) => ({ content })));
  await memory.embed();
  return memory;
}

describe.each(searchModes)('in the mode %s', (mode) => {
  const find = async (query: string) =>
    (await (await garden()).find(query, { mode, query_syntax: 'operators' })).toSorted();

  test('a phrase in quotes is required after a plus, and where there is nothing else', async () => {
    expect(await find('garden +"red car"')).toEqual([contents[0]]);
    expect(await find('"red car"')).toEqual([contents[0]]);
  });

  test('a phrase in quotes within a sentence excludes nothing', async () => {
    const found = await find('Is the "red car" in the garden?');
    expect(found).toEqual(expect.arrayContaining(contents.slice(0, 3)));
  });

  test('what follows a minus is excluded, a word or a phrase', async () => {
    expect(await find('garden -boat -"red car"')).toContain(contents[1]);
    for (const excluded of [contents[0], contents[2]]) {
      expect(await find('garden -boat -"red car"')).not.toContain(excluded);
    }
  });

  test('words that are not indexed require and exclude nothing: what is left is the query', async () => {
    for (const text of ['+"to be or not"', '"to be or not"']) {
      expect(await find(text)).toEqual(await find('to be or not'));
    }
    expect(await find('-me -"to be"')).toEqual(await find('to me'));
    expect(await find('+"red car" -the -"to be" +"or not"')).toEqual([contents[0]]);
  });

  test('a query of exclusions alone finds what is left', async () => {
    const found = await find('-garden');
    expect(found).toEqual([contents[3]]);
  });

  test('what is required and excluded at once is nothing', async () => {
    expect(await find('"red car" -car')).toEqual([]);
  });
});

test('somebody is found by name though the content does not say it, and comes first when the query asks for them', async () => {
  const memory = createMemory(() => api);
  await memory.store(
    { content: 'The garden is mine.', metadata: { speaker: 'Bo' } },
    { content: 'The garden is mine.', metadata: { speaker: 'Ana' } },
  );
  await memory.embed();
  const { items } = await memory.search('What did Ana say about the garden?');
  expect(items.map(({ breakdown }) => breakdown)).toMatchObject([{ speaker: 1 }, { speaker: 0 }]);
  expect(items[0]?.breakdown.lexical).toBeGreaterThan(items[1]?.breakdown.lexical ?? 1);
  expect(items[0]?.content).toBe('The garden is mine.');
});

test('a date in the query lifts what was said then', async () => {
  const memory = createMemory(() => api);
  await memory.store(
    { content: 'We sat in the garden.', conversation_id: 'a', created_at: '2023-05-07T12:00:00Z' },
    { content: 'We sat in the garden.', conversation_id: 'b', created_at: '2023-08-07T12:00:00Z' },
  );
  await memory.embed();
  const said = async (query: string) =>
    (await memory.search(query, { collapse: false })).items.map((item) => item.created_at.slice(0, 7));
  expect(await said('the garden in May 2023')).toEqual(['2023-05', '2023-08']);
  expect(await said('the garden in August 2023')).toEqual(['2023-08', '2023-05']);
});
