import { Kysely, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { createPooledDialect } from '../cancel/pooled-dialect.ts';
import { Database } from '../database.ts';
import type { Schema } from '../schema.ts';
import { createPreparedPool } from './prepared-pool.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase();
});
afterAll(() => server.stop());

/** With one connection that keeps its statements, so that it is known which one is meant. */
function open(preparedPoolSize = 1, connectionString = server.connection.connectionString): Database {
  const database = new Database({
    connection: { ...server.connection, ...(connectionString !== undefined && { connectionString }) },
    poolSize: 1,
    preparedPoolSize,
    acquireTimeoutMs: 20_000,
    applicationName: 'test',
    onConnectionError: () => undefined,
  });
  onTestFinished(() => database.stop());
  return database;
}

const text = { double: (n: number) => sql<{ doubled: number }>`select ${n}::int * 2 as doubled` };

async function doubled(database: Database, n: number): Promise<number | undefined> {
  return (await text.double(n).execute(database.prepared)).rows[0]?.doubled;
}

async function preparedStatements(
  database: Database,
): Promise<{ statement: string; generic: number; custom: number }[]> {
  const { rows } = await sql<{ statement: string; generic: number; custom: number }>`
    select statement, generic_plans::int as generic, custom_plans::int as custom
    from pg_prepared_statements where statement like '%doubled%' and statement not like '%pg_prepared%'`.execute(
    database.prepared,
  );
  return rows;
}

test('without connections for it, statements are not prepared', () => {
  const database = open(0);
  expect(database.prepared).toBe(database.queries);
});

describe('on a server', () => {
  beforeEach((context) => {
    context.skip(server.engine === 'embedded', 'all connections to the embedded database are one session');
  });

  test('a statement is prepared once, and one plan serves all values', async () => {
    const database = open();
    for (let n = 0; n < 20; n++) expect(await doubled(database, n)).toBe(2 * n);
    expect(await preparedStatements(database)).toEqual([
      { statement: 'select $1::int * 2 as doubled', generic: 20, custom: 0 },
    ]);
  });

  test('other connections keep nothing, and plan as ever', async () => {
    const database = open();
    await text.double(1).execute(database.queries);
    const { rows } = await sql<{ prepared: number; mode: string }>`
      select (select count(*)::int from pg_prepared_statements where name <> '') as prepared,
             current_setting('plan_cache_mode') as mode`.execute(database.queries);
    expect(rows).toEqual([{ prepared: 0, mode: 'auto' }]);
  });

  test('statements are answered though the server has forgotten them', async () => {
    const database = open();
    await doubled(database, 1);
    await sql`deallocate all`.execute(database.prepared);
    expect(await doubled(database, 2)).toBe(4);
    // On a connection of its own, again.
    expect(await doubled(database, 3)).toBe(6);
    expect(await preparedStatements(database)).toHaveLength(1);
  });

  test('and though a migration has changed what they give back', async () => {
    const database = open();
    const all = sql<{ n: unknown }>`select * from changing`;
    await sql`create table changing (n int)`.execute(database.queries);
    await sql`insert into changing values (7)`.execute(database.queries);
    expect((await all.execute(database.prepared)).rows).toEqual([{ n: 7 }]);
    await sql`alter table changing alter n type text`.execute(database.queries);
    expect((await all.execute(database.prepared)).rows).toEqual([{ n: '7' }]);
    expect((await all.execute(database.prepared)).rows).toEqual([{ n: '7' }]);
  });

  test('an error of a statement is an error', async () => {
    const database = open();
    await expect(sql`select 1 / ${0}::int`.execute(database.prepared)).rejects.toMatchObject({ code: '22012' });
    expect(await doubled(database, 4)).toBe(8);
  });

  test('of many statements those are kept that were asked last', async () => {
    const database = open();
    for (let n = 0; n < 200; n++) {
      await sql.raw(`select ${n}`).execute(database.prepared);
      expect(await doubled(database, n)).toBe(2 * n);
    }
    const { rows } = await sql<{ statement: string }>`
      select statement from pg_prepared_statements order by prepare_time`.execute(database.prepared);
    const statements = rows.map((row) => row.statement);
    expect(statements).toHaveLength(128);
    expect(statements).toContain('select 199');
    expect(statements).not.toContain('select 1');
    expect(statements).toContain('select $1::int * 2 as doubled');
    // And what was given up can be asked again.
    expect((await sql.raw('select 1 as one').execute(database.prepared)).rows).toEqual([{ one: 1 }]);
    await sql.raw('select 1').execute(database.prepared);
  });

  test('after very many statements a connection is replaced', async () => {
    const database = open();
    const process = sql<{ pid: number }>`select pg_backend_pid() as pid`;
    const pid = async () => (await process.execute(database.prepared)).rows[0]?.pid;
    const first = await pid();
    for (let n = 0; n < 1000; n++) await sql.raw(`select ${n}`).execute(database.prepared);
    expect(await pid()).not.toBe(first);
    expect(database.poolUse().total).toBe(1);
  });

  test('what the address of the database says of settings holds, too', async () => {
    if (server.connection.connectionString === undefined) throw new Error('a server has an address');
    const url = new URL(server.connection.connectionString);
    url.searchParams.set('options', '-c work_mem=7777kB');
    const database = open(1, url.href);
    const settings = sql<{ mode: string; memory: string; jit: string }>`
      select current_setting('plan_cache_mode') as mode, current_setting('work_mem') as memory, current_setting('jit') as jit`;
    expect((await settings.execute(database.prepared)).rows).toEqual([
      { mode: 'force_generic_plan', memory: '7777kB', jit: 'off' },
    ]);
    expect((await settings.execute(database.queries)).rows).toEqual([{ mode: 'auto', memory: '7777kB', jit: 'off' }]);
  });

  test('a connection that is not set for it keeps nothing', async () => {
    // As behind a pooler that drops what a connection sets at its beginning.
    const pool = createPreparedPool(new Pool({ ...server.connection, max: 1 }));
    const db = new Kysely<Schema>({ dialect: createPooledDialect(pool) });
    onTestFinished(() => db.destroy());
    expect((await text.double(4).execute(db)).rows).toEqual([{ doubled: 8 }]);
    const { rows } = await sql<{
      prepared: number;
    }>`select count(*)::int as prepared from pg_prepared_statements`.execute(db);
    expect(rows).toEqual([{ prepared: 0 }]);
  });
});
