import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { eventually } from '../../testing/eventually.ts';
import { startTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { Database, type DatabaseOptions } from '../database.ts';
import { cancelledBy } from './cancelled-by.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase();
});
afterAll(() => server.stop());

/** With one connection, so that it is known which one is used. */
function open(options: Partial<DatabaseOptions> = {}): Database {
  const database = new Database({
    connection: server.connection,
    poolSize: 1,
    acquireTimeoutMs: 20_000,
    applicationName: 'cancel test',
    onConnectionError: () => undefined,
    ...options,
  });
  onTestFinished(() => database.stop());
  return database;
}

class GoneError extends Error {}

/** Aborted after this long. */
function abortedAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new GoneError()), ms);
  return controller.signal;
}

async function expectCancelled(statement: Promise<unknown>): Promise<void> {
  await expect(statement).rejects.toBeInstanceOf(GoneError);
}

const endless = (seconds = 600) => sql`select pg_sleep(${seconds}::float8), 'endless' as marker`;
const one = sql<{ one: number }>`select 1 as one`;

/** Statements that run in the database and are not the one that asks. */
async function listRunning(): Promise<string[]> {
  const { rows } = await sql<{ query: string }>`
    select query from pg_stat_activity
    where application_name = 'cancel test' and state = 'active' and query like '%endless%'
      and pid <> pg_backend_pid()`.execute(server.db);
  return rows.map(({ query }) => query);
}

describe.each(['queries', 'prepared'] as const)('a statement of %s', (pool) => {
  const preparedPoolSize = 1;
  beforeEach((context) => {
    const isSame = pool === 'prepared' && server.engine === 'embedded';
    context.skip(isSame, 'the embedded database has no connections that prepare');
  });

  test('is cancelled in the database when its signal is aborted, and its connection goes on', async () => {
    const said = vi.spyOn(console, 'error');
    const database = open({ preparedPoolSize });
    await one.execute(database[pool]);
    const connections = database.poolUse().total;
    await expectCancelled(endless().execute(database[pool], cancelledBy(abortedAfter(100))));
    await expect.poll(listRunning).toEqual([]);
    expect((await one.execute(database[pool])).rows).toEqual([{ one: 1 }]);
    expect(database.poolUse()).toMatchObject({ total: connections, waiting: 0 });
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });

  test('is not sent when its signal is aborted before', async () => {
    const database = open({ preparedPoolSize });
    const signal = AbortSignal.abort(new GoneError());
    await expectCancelled(sql`create table never (id int)`.execute(database[pool], cancelledBy(signal)));
    expect((await sql`select to_regclass('never') as never`.execute(database[pool])).rows).toEqual([{ never: null }]);
  });

  test('leaves the others of an exhausted pool alone, and leaves its queue', async () => {
    const database = open({ preparedPoolSize });
    const busy = expectCancelled(endless().execute(database[pool], cancelledBy(abortedAfter(400))));
    const late = abortedAfter(150);
    const waiting = Array.from({ length: 50 }, () => one.execute(database[pool], cancelledBy(late)));
    const patient = one.execute(database[pool], cancelledBy(new AbortController().signal));
    await Promise.all(waiting.map((statement) => expectCancelled(statement)));
    expect(database.poolUse().waiting).toBe(1);
    await busy;
    expect((await patient).rows).toEqual([{ one: 1 }]);
  });

  test('fifty times over leaves every connection of the pool usable', async () => {
    const database = open({ poolSize: 4, preparedPoolSize: preparedPoolSize * 4 });
    const cancelled = Array.from({ length: 50 }, (_, n) =>
      expectCancelled(endless().execute(database[pool], cancelledBy(abortedAfter(20 + n * 7)))),
    );
    await Promise.all(cancelled);
    const answers = await Promise.all(Array.from({ length: 8 }, () => one.execute(database[pool])));
    expect(answers.map(({ rows }) => rows)).toEqual(Array.from({ length: 8 }, () => [{ one: 1 }]));
    expect(database.poolUse().waiting).toBe(0);
    // One that PostgreSQL has missed is asked for again.
    await expect.poll(listRunning, { timeout: 5000 }).toEqual([]);
  });

  test('is cancelled however early it is aborted, also while the database takes it in', async () => {
    const database = open({ preparedPoolSize });
    for (let round = 0; round < 150; round += 1) {
      const controller = new AbortController();
      const running = expectCancelled(endless().execute(database[pool], cancelledBy(controller.signal)));
      for (let turns = round % 15; turns > 0; turns -= 1) await nextTurn();
      controller.abort(new GoneError());
      await running;
      expect((await one.execute(database[pool])).rows).toEqual([{ one: 1 }]);
    }
  });

  test('is cancelled, and never the one after it', async () => {
    const database = open({ preparedPoolSize });
    const counted = (rows: number) => sql<{ count: string }>`select count(*) from generate_series(1, ${rows}::int)`;
    let cancelled = 0;
    for (let round = 0; round < 200; round++) {
      const signal = abortedAfter(round % 4);
      await counted(round * 200)
        .execute(database[pool], cancelledBy(signal))
        .catch(() => (cancelled += 1));
      expect((await counted(500).execute(database[pool])).rows).toEqual([{ count: '500' }]);
    }
    expect(cancelled).toBeGreaterThan(0);
  });
});

test('a transaction is rolled back when a statement of it is cancelled', async () => {
  const database = open();
  const transaction = database.queries.transaction().execute(async (trx) => {
    await sql`create table undone (id int)`.execute(trx);
    await endless().execute(trx, cancelledBy(abortedAfter(50)));
  });
  await expectCancelled(transaction);
  expect((await sql`select to_regclass('undone') as undone`.execute(database.queries)).rows).toEqual([
    { undone: null },
  ]);
});

test('a statement that the database itself ends is a deadline that has passed, where somebody could have cancelled it', async () => {
  const database = open({ statementTimeoutMs: 100 });
  const cancellable = endless().execute(database.queries, cancelledBy(new AbortController().signal));
  await expect(cancellable).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await expect(endless().execute(database.queries)).rejects.toMatchObject({ code: '57014' });
});

test('an error of a statement that can be cancelled is its error', async () => {
  const { signal } = new AbortController();
  const failing = sql`select 1 / ${0}::int`.execute(open().queries, cancelledBy(signal));
  await expect(failing).rejects.toMatchObject({ code: '22012' });
});

test('a cancelled statement waits for no lock any more', async () => {
  const [holder, database] = [open(), open()];
  await holder.queries.transaction().execute(async (transaction) => {
    await sql`lock table message in access exclusive mode`.execute(transaction);
    const reading = database.queries
      .selectFrom('message')
      .select('id')
      .execute(cancelledBy(abortedAfter(100)));
    await expectCancelled(reading);
    await eventually(async () => {
      const { rows } = await sql<{ waiting: number }>`
        select count(*)::int as waiting from pg_locks where not granted and relation = 'message'::regclass`.execute(
        transaction,
      );
      expect(rows).toEqual([{ waiting: 0 }]);
    });
  });
});
