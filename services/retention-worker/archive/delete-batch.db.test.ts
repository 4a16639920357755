import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { instantOf } from '@memory-layer/shared/time/instant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '@memory-layer/shared/retention/retention-policy';
import { createTenant, daysAgo, now } from '../testing/retention-fixture.ts';
import type { Deletable, DeleteRequest } from './batch.ts';
import { deleteBatch } from './batch.sql.ts';

const policy = resolvePolicy(undefined, {
  maxAgeDays: 30,
  ageOf: 'created',
  importanceThreshold: 0.35,
  deleteAfterDays: 90,
} as const);

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

const toRequest = (tenantId: string, limit = 100, what: Deletable = 'old-copies'): DeleteRequest => {
  return { tenantId, what, policy, cutoffs: cutoffsAt(policy, now), limit, after: undefined };
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

describe('what has expired', () => {
  const soon = new Date(now.getTime() + 1);

  test('is deleted from the messages and from the archive, and is in no archive after it', async () => {
    const tenant = await createTenant(database.db);
    const [, , kept] = await tenant.addMessages({ expiresAt: daysAgo(1) }, { expiresAt: now }, { expiresAt: soon }, {});
    const archivedAt = daysAgo(1);
    const [, copy] = await tenant.addArchived({ archivedAt, expiresAt: now }, { archivedAt, expiresAt: soon });
    expect(await deleteBatch(database.db, toRequest(tenant.tenantId, 100, 'expired'))).toMatchObject({ rows: 2 });
    expect(await deleteBatch(database.db, toRequest(tenant.tenantId, 100, 'expired-copies'))).toMatchObject({
      rows: 1,
    });
    expect((await tenant.messageIds())[0]).toBe(kept);
    expect(await tenant.messageIds()).toHaveLength(2);
    expect(await tenant.archivedIds()).toEqual([copy]);
  });

  test('goes first, as much as the batch holds, and the next batch goes on behind it', async () => {
    const tenant = await createTenant(database.db);
    const ids = await tenant.addMessages(...[1, 3, 2].map((days) => ({ expiresAt: daysAgo(days) })));
    const request = toRequest(tenant.tenantId, 2, 'expired');
    const { next } = await deleteBatch(database.db, request);
    expect(await tenant.messageIds()).toEqual([ids[0]]);
    const [before] = await tenant.addMessages({ expiresAt: daysAgo(4) });
    expect(await deleteBatch(database.db, { ...request, after: next })).toEqual({ rows: 1, next: undefined });
    expect(await tenant.messageIds()).toEqual([before]);
  });

  test('stays on a legal hold, and of another tenant', async () => {
    const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
    await tenant.holdConversation('held');
    const [held] = await tenant.addMessages({ expiresAt: now, conversationId: 'held' }, { expiresAt: now });
    const others = await other.addMessages({ expiresAt: now });
    expect(await deleteBatch(database.db, toRequest(tenant.tenantId, 100, 'expired'))).toMatchObject({ rows: 1 });
    expect(await tenant.messageIds()).toEqual([held]);
    expect(await other.messageIds()).toEqual(others);
  });
});
