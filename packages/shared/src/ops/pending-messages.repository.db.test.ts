import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createPendingMessagesRepository } from './pending-messages.repository.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

/** A message of a tenant, not embedded yet. */
async function addPending(tenantId: string, state: 'pending' | 'failed', ageSeconds: number, dueInSeconds = 0) {
  const { db } = database;
  const id = crypto.randomUUID();
  const hash = Buffer.from('hash');
  const now = new Date();
  await db
    .insertInto('message')
    .values({
      tenant_id: tenantId,
      id,
      conversation_id: 'c',
      role: 'user',
      content: 'text',
      metadata: '{}',
      importance: 0.5,
      external_id: null,
      content_hash: hash,
      created_at: now,
      updated_at: now,
      expires_at: null,
      search_language: 'english 3',
      search_vector: '',
    })
    .execute();
  await sql`
    insert into embedding_pending (tenant_id, message_id, generation, content_hash, state, created_at, due_at)
    values (${tenantId}, ${id}, 1, ${hash}, ${state}, now() - ${ageSeconds} * interval '1 second',
      now() + ${dueInSeconds} * interval '1 second')`.execute(db);
}

test('an empty outbox has nothing pending, and no age', async () => {
  const pending = createPendingMessagesRepository(database.db);
  expect(await pending.count()).toEqual({ pending: 0, failed: 0, oldestPendingSeconds: 0 });
});

test('counts those of all tenants; the age is that of the oldest which still waits, whenever it is due', async () => {
  const pending = createPendingMessagesRepository(database.db);
  await addPending('acme', 'pending', 100, 3600);
  await addPending('globex', 'pending', 10);
  await addPending('globex', 'failed', 9999);
  const counts = await pending.count();
  expect(counts).toMatchObject({ pending: 2, failed: 1 });
  expect(counts.oldestPendingSeconds).toBeGreaterThanOrEqual(100);
  expect(counts.oldestPendingSeconds).toBeLessThan(9999);
});
