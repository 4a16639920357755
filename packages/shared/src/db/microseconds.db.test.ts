import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { migrationsFolder } from './migrate.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const times = {
  message: ['created_at', 'updated_at', 'expires_at'],
  embedding: ['created_at'],
  archived_message: ['created_at', 'updated_at', 'expires_at'],
};

/** The files of tables with times of messages, and of what is dear to build: a rewrite gives them other ones. */
async function files(): Promise<readonly object[]> {
  const { rows } = await sql<object>`
    select c.relname, pg_relation_filenode(c.oid) as file from pg_class c left join pg_index i on i.indexrelid = c.oid
    where c.relname ~ '^(message|embedding|archived_message)'
      and (c.relkind = 'r' or c.relkind = 'i' and (i.indisprimary or c.relname ~ 'vector|metadata'))
    order by 1
  `.execute(database.db);
  return rows;
}

test('microseconds are kept from the migration on, without a row or a large index written again', async () => {
  // Of a later migration.
  await sql`drop trigger message_expiry_changed on message`.execute(database.db);
  for (const [table, columns] of Object.entries(times)) {
    const changes = columns.map((column) => sql`alter column ${sql.ref(column)} type timestamptz(3)`);
    await sql`alter table ${sql.table(table)} ${sql.join(changes)}`.execute(database.db);
  }
  const before = await files();
  const migration = await readFile(join(migrationsFolder, '0012_microseconds.sql'), 'utf8');
  await sql.raw(migration).execute(database.db);
  expect(before.length).toBeGreaterThan(16 * 2 * 2);
  expect(await files()).toEqual(before);
  const { rows } = await sql<{ place: string }>`
    select attrelid::regclass || '.' || attname as place from pg_attribute
    where attrelid in ('message'::regclass, 'embedding'::regclass, 'archived_message'::regclass)
      and atttypid = 'timestamptz'::regtype and atttypmod <> -1 and not attisdropped
  `.execute(database.db);
  expect(rows).toEqual([{ place: 'archived_message.archived_at' }]);
});
