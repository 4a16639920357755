import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords } from '../sql/testing/words-fixture.ts';
import { characterWords, createLexicalRepository, type LexicalRepository } from './lexical.repository.ts';
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
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at)
      select 'many', ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user',
             case when n % 10 = 0 then 'rare' else 'usual' end, '{}', 0.2, '', now(), now()
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
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at)
    select 'long', ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user',
           'page' || n || ' ' || (select string_agg('w' || n % 7 || 'x' || w, ' ') from generate_series(1, 4300) w),
           '{}', 0.2, '', now(), now()
    from generate_series(1, 300) n`.execute(database.db);
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
    ).toEqual([{ terms: ['dog', 'run'], phrases: ["'run' <-> 'dog'", ''], required: ["'dog'"], excluded: ["'cat'"] }]);
  });

  test('may be empty', async () => {
    expect(await repository.parse({ words: '', phrases: [], required: [], excluded: [] })).toEqual([
      { terms: [], phrases: [], required: [], excluded: [] },
    ]);
  });
});

describe('a phrase is split as messages are', () => {
  test('by the same characters', async () => {
    const { rows } = await sql<{ source: string }>`
      select prosrc as source from pg_proc where proname = 'message_words'`.execute(database.db);
    const classes = rows.flatMap(({ source }) => source.match(/\[\\u[^\]]+\]/g) ?? []);
    expect(classes.length).toBeGreaterThan(0);
    expect(new Set(classes)).toEqual(new Set([characterWords.source]));
  });

  /** The edges of the blocks of ideographs and kana, and what stands beside them. */
  const edges = [
    0x30_3f, 0x30_40, 0x30_41, 0x30_fe, 0x30_ff, 0x31_00, 0x33_ff, 0x34_00, 0x4d_bf, 0x4d_c0, 0x4e_00, 0x9f_ff, 0xa0_00,
    0xf8_ff, 0xf9_00, 0xfa_ff, 0xfb_00,
  ];
  const texts = [
    ...edges.map((edge) => `a${String.fromCodePoint(edge)}b`),
    '昨日は友達と京都で抹茶アイスを食べました',
    'tea 抹茶 and アイス',
    'a<b>c',
    '한국어 문장',
  ];

  test.each(texts)('%j', async (text) => {
    const [parsed] = await repository.parse({ words: '', phrases: [text], required: [], excluded: [] });
    const { rows } = await sql`
      select message_words(${text}, '{}', language) @@ ${parsed?.phrases[0]}::tsquery as found
      from search_language`.execute(database.db);
    expect(rows).toEqual([{ found: true }]);
  });
});
