import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '@memory-layer/shared/retention/retention-policy';
import { createTenant, daysAgo, now } from '../testing/retention-fixture.ts';
import { archiveBatch, deleteBatch } from './batch.sql.ts';

const policy = resolvePolicy(undefined, {
  maxAgeDays: 30,
  ageOf: 'created',
  importanceThreshold: 0.35,
  deleteAfterDays: 90,
} as const);
const cutoffs = cutoffsAt(policy, now);

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

async function eventsOf(tenantId: string) {
  const rows = await database.db
    .selectFrom('message_event')
    .select(['event_type as type', 'message_ids as ids'])
    .where('tenant_id', '=', tenantId)
    .orderBy('event_id')
    .execute();
  return rows;
}

describe('the events of a batch', () => {
  test('name the messages that it archived, and no other', async () => {
    const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
    await tenant.holdConversation('held');
    const ids = await tenant.addMessages({}, { conversationId: 'held' }, {}, { createdAt: daysAgo(1) });
    await other.addMessages({});
    const request = {
      tenantId: tenant.tenantId,
      policy,
      cutoffs,
      reason: 'age',
      limit: 100,
      after: undefined,
    } as const;
    await archiveBatch(database.db, request);
    expect(await eventsOf(tenant.tenantId)).toEqual([{ type: 'message.archived', ids: [ids[0], ids[2]] }]);
    await archiveBatch(database.db, request);
    expect(await eventsOf(tenant.tenantId)).toHaveLength(1);
    expect(await eventsOf(other.tenantId)).toEqual([]);
  });

  test('name the messages that it deleted for good, and no other', async () => {
    const tenant = await createTenant(database.db);
    const archived = await tenant.addArchived({ archivedAt: daysAgo(91) }, { archivedAt: daysAgo(89) });
    const request = {
      tenantId: tenant.tenantId,
      what: 'old-copies',
      policy,
      cutoffs,
      limit: 100,
      after: undefined,
    } as const;
    await deleteBatch(database.db, request);
    expect(await eventsOf(tenant.tenantId)).toEqual([{ type: 'message.deleted', ids: [archived[0]] }]);
    await deleteBatch(database.db, request);
    expect(await eventsOf(tenant.tenantId)).toHaveLength(1);
  });
});
