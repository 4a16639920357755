import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords, type Words } from './testing/words-fixture.ts';

const messages = 12_000;
let database: TestDatabase;
let words: Words;

/** Messages of words of which the nth is in one of n: the usual shape of a language. */
async function fill(tenantId: string, count: number): Promise<void> {
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select ${tenantId}, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user',
           content,
           jsonb_build_object('part', n % 200), 0.2, '', now() - make_interval(secs => n), now(), 'english 3', to_tsvector('english', content)
    from generate_series(1, ${count}::int) n, lateral (select 'entry ' || coalesce(
      (select string_agg('word' || w, ' ') from generate_series(3, 60) w where hashint8(n * 1000 + w) % w = 0), '') as content) written`.execute(
    database.db,
  );
}

beforeAll(async () => {
  database = await startTestDatabase();
  words = createWords(database.db);
  await fill(words.tenantId, messages);
  await fill('another', 300);
  // What autovacuum does in time.
  await sql`select gin_clean_pending_list(oid) from pg_class where relkind = 'i' and relname like 'message_p%_search_vector_idx'`.execute(
    database.db,
  );
  await sql`vacuum analyze message`.execute(database.db);
});
afterAll(() => database.stop());

test('no more new entries of the index wait to be read by every search than are merged in some milliseconds', async () => {
  const { rows } = await sql<{ options: string[] | null }>`
    select reloptions as options from pg_class where relkind = 'i' and relname like 'message_p%_search_vector_idx'`.execute(
    database.db,
  );
  expect(rows).toHaveLength(16);
  for (const { options } of rows) expect(options).toEqual(['gin_pending_list_limit=128']);
});

const part = (below: number): RawBuilder<boolean> => sql<boolean>`(m.metadata ->> 'part')::int < ${below}`;
const queries = [
  'word3 word4 word5',
  'entry',
  'word3 word40 word59 word7',
  'word12',
  'entry word3 word60',
  'word57 word58',
  'word40 word57 "word3 word4"',
];

/** The scores of the best of all messages, without the index. */
async function bestScores(text: string, filter: RawBuilder<boolean>, limit: number): Promise<number[]> {
  const { rows } = await sql<{ score: number }>`
    select score from (
      select ${await words.score(text)} as score from message m where m.tenant_id = ${words.tenantId} and ${filter} offset 0
    ) scored where score > 0 order by score desc limit ${limit}`.execute(database.db);
  return rows.map(({ score }) => score);
}

describe('a large tenant', () => {
  test.each(queries)('finds the best by %j without scoring all', async (text) => {
    for (const limit of [10, 200]) {
      const best = await bestScores(text, sql`true`, limit);
      const found = (await words.find(text, { limit })).map(({ score }) => score);
      expect(found).toHaveLength(best.length);
      const least = best.at(-1) ?? 0;
      const missed = found.filter((score) => score < least - 1e-9);
      expect(missed.length / found.length).toBeLessThanOrEqual(0.1);
    }
  });

  test.each(queries)('is never short under a filter: %j', async (text) => {
    for (const below of [100, 10, 1]) {
      const best = await bestScores(text, part(below), 200);
      expect(await words.find(text, { limit: 200, filter: part(below) })).toHaveLength(best.length);
      expect(await words.find(text, { limit: 1, filter: part(below) })).toHaveLength(1);
    }
  });

  test('is never short when the statistics know better', async () => {
    // A sample that says nothing of a word that everyone says.
    const late = createWords(database.db, 'late');
    await fill('late', 200);
    await late.find('word3');
    await sql`update message set search_vector = search_vector || 'news:1' where tenant_id = 'late'`.execute(
      database.db,
    );
    expect(await late.find('news', { limit: 200 })).toHaveLength(200);
  });
});

async function planOf(text: string): Promise<string> {
  const candidates = await words.candidates(text, { filter: sql`true`, limit: 20, messages: Infinity });
  return database.db.transaction().execute(async (transaction) => {
    await sql`set local enable_seqscan to off`.execute(transaction);
    const { rows } = await sql<{ 'QUERY PLAN': string }>`
      explain (analyze, costs off, timing off, summary off) ${candidates}`.execute(transaction);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
}

describe('the plan of a search by words', () => {
  test.each(queries)('%j asks the index of words for the tenant, and stops when it has enough', async (text) => {
    const plan = await planOf(text);
    expect(plan).toMatch(/Bitmap Index Scan on message_p\d+_message_scope_search_vector_idx/);
    expect(plan).not.toMatch(/Seq Scan on message/);
    expect(plan).not.toMatch(/Gather/);
    expect(new Set(plan.match(/(?<=message_p)\d+/g)).size).toBe(1);
    expect(plan.match(/^ *Index Cond: .*ARRAY\[replace.*tenant_id.*search_vector @@/m)).not.toBeNull();
    const read = [...plan.matchAll(/Bitmap Heap Scan on message_p.*\(actual rows=(\d+)/g)].map((match) =>
      Number(match[1]),
    );
    expect(read.reduce((sum, rows) => sum + rows, 0)).toBeLessThan(1200);
  });
});
