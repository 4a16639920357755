import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords } from '../sql/testing/words-fixture.ts';
import { createLexicalRepository, type LexicalRepository } from './lexical.repository.ts';
import { TermStatistics } from './term-statistics.ts';

let database: TestDatabase;
let repository: LexicalRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  repository = createLexicalRepository(database.db);
});
afterAll(() => database.stop());

describe('the sample of a tenant', () => {
  test('of no messages is empty', async () => {
    expect(await repository.sample('nobody')).toEqual({ messages: 0, sampled: 0, words: 0, text: '' });
  });

  test('of a few is all of them, those without words too, and of nobody else', async () => {
    const words = createWords(database.db);
    await words.say('red gardens', 'the of', 'a red red car');
    await createWords(database.db).say('blue');
    const sample = await repository.sample(words.tenantId);
    expect(sample).toMatchObject({ messages: 3, sampled: 3, words: 4 });
    const statistics = new TermStatistics(sample);
    const frequencies = ['red', 'garden', 'car', 'blue', 'the'].map((word) => statistics.frequency(word));
    expect(frequencies).toEqual([2, 1, 1, 0, 0]);
  });

  test('of many is a part, by which frequencies are told', async () => {
    await sql`
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
      select 'many', ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user',
             case when n % 10 = 0 then 'rare' else 'usual' end, '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', case when n % 10 = 0 then 'rare' else 'usual' end)
      from generate_series(1, 9000) n`.execute(database.db);
    const sample = await repository.sample('many');
    expect(sample.messages).toBe(9000);
    expect(sample.sampled).toBeGreaterThan(1500);
    expect(sample.sampled).toBeLessThanOrEqual(4096);
    const statistics = new TermStatistics(sample);
    expect(statistics.frequency('rare') / 900).toBeGreaterThan(0.7);
    expect(statistics.frequency('rare') / 900).toBeLessThan(1.3);
    // The same for each process.
    expect(await repository.sample('many')).toEqual(sample);
  });
});

test('a sample of long messages is bounded in bytes, and the same each time', async () => {
  // Each of about 34 000 characters.
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select 'long', ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user',
           content, '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', content)
    from generate_series(1, 300) n, lateral (
      select 'page' || n || ' ' || string_agg('w' || n % 7 || 'x' || w, ' ') as content from generate_series(1, 4300) w
    ) written`.execute(database.db);
  const sample = await repository.sample('long');
  expect(sample.messages).toBe(300);
  expect(sample.sampled).toBeGreaterThan(50);
  expect(sample.text.length).toBeLessThan(5_000_000);
  expect(new TermStatistics(sample).frequency('w3x17') / (300 / 7)).toBeCloseTo(1, 0);
  expect(await repository.sample('long')).toEqual(sample);
});

describe('a text', () => {
  test('is read in its language, with phrases and exclusions as queries', async () => {
    expect(
      await repository.parse({
        words: 'the running dogs',
        phrases: ['running dogs', 'the'],
        required: ['dogs'],
        excluded: ['cats'],
      }),
    ).toEqual([
      {
        terms: ['dog', 'run'],
        names: ['@The'],
        phrases: ["'run' <-> 'dog'", ''],
        required: ["'dog'"],
        excluded: ["'cat'"],
      },
    ]);
  });

  test('may be empty', async () => {
    expect(await repository.parse({ words: '', phrases: [], required: [], excluded: [] })).toEqual([
      { terms: [], names: [], phrases: [], required: [], excluded: [] },
    ]);
  });
});
