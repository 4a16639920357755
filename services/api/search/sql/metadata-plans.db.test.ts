import type { Schema } from '@memory-layer/shared/db/schema';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseMetadataFilter } from '../query/parse-metadata-filter.ts';
import { metadataCondition } from './filter.sql.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select 'mine', gen_random_uuid(), 'c', 'user', 'words', jsonb_build_object('n', n, 'tags', jsonb_build_array('t' || n % 500)), 0,
           decode('00', 'hex'), now(), now(), 'english 3', to_tsvector('english', 'words')
    from generate_series(1, 4000) n`.execute(database.db);
  await sql`select gin_clean_pending_list(oid) from pg_class where relkind = 'i' and relname like 'message_p%_metadata_idx'`.execute(
    database.db,
  );
  await sql`analyze`.execute(database.db);
});
afterAll(() => database.stop());

async function planOf(db: Kysely<Schema>, filter: unknown): Promise<string> {
  const parsed = parseMetadataFilter(filter);
  if (!parsed.ok) throw new Error('no filter');
  const condition = metadataCondition({ ...noFilter, where: parsed.filter });
  const { rows } = await sql<Record<string, unknown>>`
    explain select m.id from message m where m.tenant_id = 'mine' and ${condition}`.execute(db);
  return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
}

const metadataIndex = /Bitmap Index Scan on message_p\d+_metadata_idx/g;

describe('the index of metadata serves', () => {
  test.each<[string, unknown, number]>([
    ['a value, alone and as an item', { key: 'tags', eq: 't7' }, 2],
    ['each of several values', { key: 'n', in: [1, 2, 3] }, 6],
    [
      'both sides of or',
      {
        or: [
          { key: 'n', eq: 1 },
          { key: 'tags', eq: 't7' },
        ],
      },
      4,
    ],
    [
      'a value, whatever else must hold',
      {
        and: [
          { key: 'tags', eq: 't7' },
          { key: 'n', gte: 10, ne: 7 },
        ],
      },
      2,
    ],
  ])('%s', async (_, filter, scans) => {
    expect((await planOf(database.db, filter)).match(metadataIndex)).toHaveLength(scans);
  });

  test('no range and no opposite: they are read from the rows', async () => {
    for (const filter of [
      { key: 'n', gte: 10 },
      { key: 'n', ne: 1 },
      { key: 'n', exists: true },
    ]) {
      expect(await planOf(database.db, filter)).not.toMatch(metadataIndex);
    }
  });
});
