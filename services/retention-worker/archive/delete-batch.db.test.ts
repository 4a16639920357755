import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { instantOf } from '@memory-layer/shared/time/instant';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '../retention-policy.ts';
import { createTenant, daysAgo, now } from '../testing/retention-fixture.ts';
import type { BatchRequest } from './batch.ts';
import { deleteBatch } from './batch.sql.ts';

const policy = resolvePolicy(undefined, { maxAgeDays: 30, importanceThreshold: 0.35, deleteAfterDays: 90 });

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

const toRequest = (tenantId: string, limit = 100): BatchRequest => {
  return { tenantId, policy, cutoffs: cutoffsAt(policy, now), limit, after: undefined };
};

test('deletes what was archived so long ago, however old the message itself is', async () => {
  const tenant = await createTenant(database.db);
  const [, , kept] = await tenant.addArchived(
    { archivedAt: daysAgo(91) },
    { archivedAt: daysAgo(90) },
    { archivedAt: new Date(daysAgo(90).getTime() + 1), createdAt: daysAgo(3000) },
  );
  expect(await deleteBatch(database.db, toRequest(tenant.tenantId))).toEqual({ rows: 2, next: undefined });
  expect(await tenant.archivedIds()).toEqual([kept]);
});

test('takes what was archived first, as many as the batch holds, and goes on behind them', async () => {
  const tenant = await createTenant(database.db);
  const archivedAt = daysAgo(95);
  const ids = await tenant.addArchived({ archivedAt }, { archivedAt }, { archivedAt }, { archivedAt: daysAgo(99) });
  const request = toRequest(tenant.tenantId, 2);
  const first = await deleteBatch(database.db, request);
  expect(await tenant.archivedIds()).toEqual(ids.slice(1, 3));
  const second = await deleteBatch(database.db, { ...request, after: first.next });
  expect(second).toEqual({ rows: 2, next: { at: instantOf(archivedAt), id: ids[2] } });
  expect(await deleteBatch(database.db, { ...request, after: second.next })).toEqual({ rows: 0, next: undefined });
});

test('leaves alone what a legal hold keeps, what was never archived, and other tenants', async () => {
  const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
  await tenant.holdConversation('held');
  const messages = await tenant.addMessages({}, { expiresAt: daysAgo(100) });
  const archivedAt = daysAgo(100);
  const [held] = await tenant.addArchived({ archivedAt, conversationId: 'held' }, { archivedAt });
  const others = await other.addArchived({ archivedAt, conversationId: 'held' });
  expect(await deleteBatch(database.db, toRequest(tenant.tenantId))).toMatchObject({ rows: 1 });
  expect(await tenant.archivedIds()).toEqual([held]);
  expect(await tenant.messageIds()).toEqual(messages);
  expect(await other.archivedIds()).toEqual(others);
});
