import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords, type Words } from '../search/sql/testing/words-fixture.ts';
import { identifiers } from './testing/identifiers.ts';

let database: TestDatabase;
let words: Words;
beforeAll(async () => {
  database = await startTestDatabase();
  words = createWords(database.db);
  const others = Array.from(
    { length: 40 },
    (_, n) => `My sister ${n} told me about the weather in the garden yesterday.`,
  );
  await words.say(...others, ...new Set(identifiers.map(([content]) => content)));
});
afterAll(() => database.stop());

describe('identifiers', () => {
  test.each(identifiers)('%j is found by %j', async (content, query) => {
    const found = await words.find(query, { limit: 3 });
    expect(found.map((message) => message.content)).toContain(content);
  });

  test('are a table of at least 80 rows', () => {
    expect(identifiers.length).toBeGreaterThanOrEqual(80);
  });

  test.each([
    ['server.js', ['server.js broke', 'the server runs js']],
    ['foo_bar', ['call foo_bar', 'a bar where foo met']],
    ['DEC-0054', ['see DEC-0054', 'in dec 0054 came']],
    ['maria.lopez@example.org', ['to maria.lopez@example.org', 'maria and lopez made an example for the org']],
  ])('%s as a whole ranks above its parts', async (query, contents) => {
    const own = createWords(database.db);
    await own.say(...contents.toReversed());
    expect((await own.find(query)).map(({ content }) => content)).toEqual(contents);
  });
});
