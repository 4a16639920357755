import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withOutage } from '../queue/testing/with-outage.ts';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Database } from './database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase();
});
afterAll(() => server.stop());

// An error event that nobody listens to ends the process, and this test run with it.
test('a connection that breaks, idle or in use, is reported, and replaced', async () => {
  const outage = withOutage(server.connection);
  const lost: Error[] = [];
  const database = new Database({
    connection: outage.connection,
    poolSize: 2,
    acquireTimeoutMs: 20_000,
    applicationName: 'test',
    onConnectionError: (error) => lost.push(error),
  });
  try {
    await Promise.all([database.ping(), database.ping()]);
    const broken = database.queries.transaction().execute(async (transaction) => {
      await sql`select 1`.execute(transaction);
      outage.begin();
      await sql`select 1`.execute(transaction);
    });
    await expect(broken).rejects.toSatisfy(isDatabaseUnavailable);
    await expect.poll(() => lost).toHaveLength(2);
    expect(await database.health()).toMatchObject({ status: 'down' });
    outage.end();
    await database.ping();
    expect(database.poolUse()).toEqual({ total: 1, idle: 1, waiting: 0 });
  } finally {
    await database.stop();
  }
});
