import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

test('a database that only reads is away for who wants to write', async () => {
  const refused = database.db.transaction().execute(async (transaction) => {
    await sql`set transaction read only`.execute(transaction);
    await transaction.insertInto('tenant').values({ tenant_id: 't' }).execute();
  });
  await expect(refused).rejects.toSatisfy(isDatabaseUnavailable);
});

test('one that refuses a statement is not', async () => {
  const tenant = { tenant_id: 'twice' };
  const refused = database.db.insertInto('tenant').values([tenant, tenant]).execute();
  await expect(refused).rejects.not.toSatisfy(isDatabaseUnavailable);
});
