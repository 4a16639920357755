import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddingRepository, type EmbeddingRepository } from './embedding.repository.ts';
import type { LeasedMessage } from './lease.ts';
import { createTenant, type TestTenant } from './testing/embedding-fixture.ts';

let database: TestDatabase;
let repository: EmbeddingRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  repository = createEmbeddingRepository(database.db);
});
afterAll(() => database.stop());

async function lease(tenant: TestTenant): Promise<readonly LeasedMessage[]> {
  const [own] = await repository.lease([{ ...tenant.work, limit: 64, tokenBudget: 1_000_000, leaseMs: 60_000 }]);
  return own?.messages ?? [];
}

const reason = 'the reason';

/** Every way to give up a lease, with what it leaves behind of a first one. */
const outcomes = [
  {
    name: 'defer',
    end: (tenant: TestTenant, messages: readonly LeasedMessage[]) =>
      repository.defer(tenant.work, messages, 30_000, reason),
    left: { state: 'pending', attempts: 0, leased_until: null, last_error: reason },
  },
  {
    name: 'retryLater',
    end: (tenant: TestTenant, messages: readonly LeasedMessage[]) =>
      repository.retryLater(tenant.work, messages, 30_000, reason),
    left: { state: 'pending', attempts: 1, leased_until: null, last_error: reason },
  },
  {
    name: 'fail',
    end: (tenant: TestTenant, messages: readonly LeasedMessage[]) => repository.fail(tenant.work, messages, reason),
    left: { state: 'failed', attempts: 1, leased_until: null, last_error: reason, failed_at: expect.any(Date) },
  },
] as const;

describe.each(outcomes)('$name', ({ name, end, left }) => {
  test('ends the lease with its reason', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add('one', 'two');
    await end(tenant, await lease(tenant));
    const pending = await tenant.pending();
    for (const id of nonEmpty(ids)) expect(pending.get(id)).toMatchObject(left);
    expect(await lease(tenant)).toEqual([]);
    if (name === 'fail') return;
    const seconds = await tenant.secondsUntilDue(ids[0] ?? '');
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(30);
  });

  test('by a worker that was too slow does not touch the lease of the next one', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const slow = await lease(tenant);
    await tenant.setPending([id], { leaseEndedSecondsAgo: 1 });
    await lease(tenant);
    const before = await tenant.pending();
    await end(tenant, slow);
    expect(await tenant.pending()).toEqual(before);
  });

  test('by a worker that was too slow does not touch what the next one gave back', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const slow = await lease(tenant);
    await tenant.setPending([id], { leaseEndedSecondsAgo: 1 });
    await repository.defer(tenant.work, await lease(tenant), 0, 'given back');
    const before = await tenant.pending();
    expect(before.get(id)).toMatchObject({ attempts: slow[0]?.attempts });
    await end(tenant, slow);
    expect(await tenant.pending()).toEqual(before);
  });

  test('security: does not touch another tenant, even when it has the same ids', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    await other.addWithIds((await tenant.add('mine')).map((id) => [id, 'theirs']));
    const [mine] = [await lease(tenant), await lease(other)];
    const before = await other.pending();
    await end(tenant, mine);
    expect(await other.pending()).toEqual(before);
  });
});

test('defer without a reason keeps the one before, and never counts below zero', async () => {
  const tenant = createTenant(database.db);
  const [id = ''] = await tenant.add('text');
  await repository.defer(tenant.work, await lease(tenant), 0, reason);
  await repository.defer(tenant.work, await lease(tenant), 0, null);
  expect((await tenant.pending()).get(id)).toMatchObject({ attempts: 0, last_error: reason });
});

test('fail emits events of what it gave up, and nothing of what was not its own any more', async () => {
  const tenant = createTenant(database.db);
  const [id = ''] = await tenant.add('text');
  const messages = await lease(tenant);
  await repository.fail(tenant.work, messages, reason);
  await repository.fail(tenant.work, messages, reason);
  expect(await tenant.events()).toEqual([{ event_type: 'message.failed', message_ids: [id] }]);
});

describe('renew', () => {
  const secondsLeft = async (tenant: TestTenant, id: string) =>
    (Number((await tenant.pending()).get(id)?.leased_until) - Date.now()) / 1000;

  test('lets leases of several tenants last from now on', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    const [[id = ''], [theirs = '']] = [await tenant.add('text'), await other.add('text')];
    const batches = [
      { work: tenant.work, messages: await lease(tenant) },
      { work: other.work, messages: await lease(other) },
    ];
    await repository.renew(batches, 3_600_000);
    expect(await secondsLeft(tenant, id)).toBeGreaterThan(3000);
    expect(await secondsLeft(other, theirs)).toBeGreaterThan(3000);
  });

  test('touches neither what was given back nor what another worker has leased', async () => {
    const tenant = createTenant(database.db);
    const [given = '', taken = ''] = await tenant.add('given back', 'taken over');
    const messages = await lease(tenant);
    await tenant.setPending([given, taken], { leaseEndedSecondsAgo: 1 });
    const again = await lease(tenant);
    await repository.defer(
      tenant.work,
      again.filter((message) => message.messageId === given),
      0,
      null,
    );
    const before = await tenant.pending();
    await repository.renew([{ work: tenant.work, messages }], 3_600_000);
    expect(await tenant.pending()).toEqual(before);
  });
});

test('releaseAll ends every lease and counts its attempt', async () => {
  const tenant = createTenant(database.db);
  const [id] = await tenant.add('text');
  await lease(tenant);
  await repository.releaseAll();
  expect(await lease(tenant)).toMatchObject([{ messageId: id, attempts: 2 }]);
});

describe('listOverdue', () => {
  beforeEach(async () => {
    await database.db.deleteFrom('embedding_pending').execute();
  });

  test('names each tenant that has waited too long once, the longest first', async () => {
    const [late, later, fresh] = [createTenant(database.db), createTenant(database.db), createTenant(database.db)];
    await late.setPending(await late.add('a', 'b'), { dueSecondsAgo: 10 });
    await later.setPending(await later.add('a'), { dueSecondsAgo: 20 });
    await fresh.add('a');
    expect(await repository.listOverdue(5000, 9)).toEqual([later.work, late.work]);
    expect(await repository.listOverdue(5000, 1)).toEqual([later.work]);
    expect(await repository.listOverdue(0, 9)).toEqual([later.work, late.work, fresh.work]);
  });

  test('names those whose worker died, but not what is leased, has failed or is not due', async () => {
    const [dead, leased, failed] = [createTenant(database.db), createTenant(database.db), createTenant(database.db)];
    await dead.setPending(await dead.add('a'), { dueSecondsAgo: 10, leaseEndedSecondsAgo: 1 });
    await leased.setPending(await leased.add('a'), { dueSecondsAgo: 10, leaseEndedSecondsAgo: -10 });
    await failed.setPending(await failed.add('a'), { dueSecondsAgo: 10, state: 'failed' });
    await failed.setPending(await failed.add('b'), { dueSecondsAgo: -10 });
    expect(await repository.listOverdue(5000, 9)).toEqual([dead.work]);
  });

  test('forgets rows that were leased in vain because their message is not there, and no others', async () => {
    const [orphaned, other] = [createTenant(database.db), createTenant(database.db)];
    const [gone = '', fresh = ''] = await orphaned.add('gone', 'fresh');
    await other.addWithIds([[gone, 'of another tenant']]);
    await orphaned.setPending([gone], { dueSecondsAgo: 10, attempts: 2 });
    await orphaned.setPending([fresh], { dueSecondsAgo: 10, attempts: 1 });
    await other.setPending([gone], { dueSecondsAgo: 10, attempts: 2 });
    // A hand in the database: services delete what follows a message by a trigger.
    await database.db.transaction().execute(async (transaction) => {
      await sql`set local session_replication_role = replica`.execute(transaction);
      await transaction.deleteFrom('message').where('tenant_id', '=', orphaned.tenantId).execute();
    });
    await repository.listOverdue(0, 9);
    expect([...(await orphaned.pending()).keys()]).toEqual([fresh]);
    expect([...(await other.pending()).keys()]).toEqual([gone]);
  });
});
