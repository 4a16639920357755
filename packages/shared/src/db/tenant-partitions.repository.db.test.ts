import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { partitionCount, partitionName, TenantPartitions } from './tenant-partitions.repository.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

describe('the partition of a tenant', () => {
  const tenants = [...Array.from({ length: 60 }, (_, n) => `tenant-${n}`), "o'brien", 'größe', '', ' '];

  test('is where its messages and vectors are', async () => {
    await sql`
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
      select t, gen_random_uuid(), 'c', 'user', 'text', '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', 'text') from unnest(${tenants}::text[]) t`.execute(
      database.db,
    );
    await sql`
      insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
      select t, gen_random_uuid(), 1, 0, '[1,2]', 'c', 'user', 0.2, now() from unnest(${tenants}::text[]) t`.execute(
      database.db,
    );
    const { rows } = await sql<{ tenant_id: string; messages: string; vectors: string }>`
      select tenant_id, m.tableoid::regclass::text as messages, e.tableoid::regclass::text as vectors
      from message m join embedding e using (tenant_id)`.execute(database.db);
    expect(rows).toHaveLength(tenants.length);
    const partitions = new TenantPartitions(database.db);
    for (const row of rows) {
      const partition = await partitions.get(row.tenant_id);
      expect(row).toMatchObject({
        messages: partitionName('message', partition),
        vectors: partitionName('embedding', partition),
      });
    }
    expect(new Set(rows.map(({ messages }) => messages)).size).toBeGreaterThan(partitionCount / 2);
  });

  test('is known of a tenant without any', async () => {
    expect(await new TenantPartitions(database.db).get('nobody')).toBeLessThan(partitionCount);
  });

  test('is not guessed where the tables are divided otherwise', async () => {
    const transaction = await database.db.startTransaction().execute();
    try {
      await sql`do $$ begin
        for n in 0..15 loop execute format('alter table embedding_p%s rename to other_p%s', n, n); end loop;
      end $$`.execute(transaction);
      await expect(new TenantPartitions(transaction).get('nobody')).rejects.toThrow('other partitions than 16');
    } finally {
      await transaction.rollback().execute();
    }
  });

  test('is asked for once, and again after a failure', async () => {
    let asked = 0;
    const db = database.db.withPlugin({
      transformQuery({ node }) {
        asked += 1;
        if (asked === 1) throw new Error('away');
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    const partitions = new TenantPartitions(db);
    await expect(partitions.get('tenant-1')).rejects.toThrow('away');
    const found = await Promise.all([partitions.get('tenant-1'), partitions.get('tenant-1')]);
    expect(await partitions.get('tenant-1')).toBe(found[0]);
    expect(asked).toBe(2);
  });
});
