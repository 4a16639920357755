import { setTimeout as sleep } from 'node:timers/promises';
import { findHalfvecOid } from '@memory-layer/shared/db/halfvec';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeMessages } from './complete-messages.sql.ts';
import { leaseTenants } from './lease-messages.sql.ts';
import { createTenant, type TestTenant } from './testing/embedding-fixture.ts';

let database: TestDatabase;
let halfvecOid: number;
beforeAll(async () => {
  database = await startTestDatabase();
  halfvecOid = await findHalfvecOid(database.db);
});
afterAll(() => database.stop());

/** Leases everything, as if it were embedded with one passage of `value` unless said otherwise. */
async function leaseEmbedded(tenant: TestTenant, value = 1, passages = 1) {
  const request = { ...tenant.work, limit: 500, tokenBudget: 1_000_000, leaseMs: 60_000, isolated: undefined };
  const [{ messages } = { messages: [] }] = await leaseTenants(database.db, [request], request.leaseMs);
  const vectors = Array.from({ length: passages }, (_, passage) => Float32Array.of(value, passage));
  return messages.map((message) => ({ ...message, vectors }));
}

async function complete(tenant: TestTenant, messages: Awaited<ReturnType<typeof leaseEmbedded>>): Promise<number> {
  const [written = -1] = await completeMessages(database.db, [{ work: tenant.work, messages }], halfvecOid);
  return written;
}

describe('completing', () => {
  test('writes each passage with what search filters on, and nothing is pending any more', async () => {
    const tenant = createTenant(database.db);
    const [id = '', other = ''] = await tenant.add('long', 'longer');
    expect(await complete(tenant, await leaseEmbedded(tenant, 7, 3))).toBe(2);
    expect(await tenant.vectors()).toEqual({ [id]: ['[7,0]', '[7,1]', '[7,2]'], [other]: ['[7,0]', '[7,1]', '[7,2]'] });
    expect((await tenant.pending()).size).toBe(0);
    const columns = ['generation', 'passage_no', 'conversation_id', 'role', 'importance', 'created_at'] as const;
    const rows = await database.db.selectFrom('embedding').select(columns).where('message_id', '=', id).execute();
    const copied = {
      conversation_id: 'c-1',
      role: 'user',
      importance: 0.25,
      created_at: new Date('2026-03-01T12:00Z'),
    };
    expect(rows).toEqual([0, 1, 2].map((passage_no) => ({ generation: 1, passage_no, ...copied })));
  });

  test('leaves out what was deleted or changed meanwhile, and writes the rest', async () => {
    const tenant = createTenant(database.db);
    const [deleted = '', changed = '', kept = ''] = await tenant.add('deleted', 'changed', 'kept');
    const embedded = await leaseEmbedded(tenant);
    await tenant.deleteMessage(deleted);
    await tenant.changeContent(changed, 'other words');
    expect(await complete(tenant, embedded)).toBe(1);
    expect(await tenant.vectors()).toEqual({ [kept]: ['[1,0]'] });
    expect([...(await tenant.pending()).values()]).toMatchObject([{ message_id: changed, attempts: 0 }]);
  });

  test('waits for a change of content that is under way, and then leaves the message out', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('old');
    const embedded = await leaseEmbedded(tenant);
    let completing: Promise<number> | undefined;
    await database.db.transaction().execute(async (transaction) => {
      await tenant.changeContent(id, 'new', transaction);
      completing = complete(tenant, embedded);
      await sleep(100);
    });
    expect(await completing).toBe(0);
    expect(await tenant.vectors()).toEqual({});
    expect((await tenant.pending()).size).toBe(1);
  });

  test('twice changes nothing, nor does a stale worker that comes late', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const stale = await leaseEmbedded(tenant, 5, 3);
    await tenant.setPending([id], { leaseEndedSecondsAgo: 1 });
    const current = await leaseEmbedded(tenant, 6);
    expect(await complete(tenant, current)).toBe(1);
    expect(await complete(tenant, current)).toBe(0);
    expect(await complete(tenant, stale)).toBe(0);
    expect(await tenant.vectors()).toEqual({ [id]: ['[6,0]'] });
  });

  test('by two workers at once ends with one set of vectors each, and without a deadlock', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...Array.from({ length: 300 }, (_, n) => `text ${n}`));
    const first = await leaseEmbedded(tenant, 1, 2);
    await tenant.setPending(ids, { leaseEndedSecondsAgo: 1 });
    const second = (await leaseEmbedded(tenant, 2)).toReversed();
    const written = await Promise.all([complete(tenant, first), complete(tenant, second)]);
    expect(written.toSorted((a, b) => a - b)).toEqual([0, 300]);
    const expected = written[0] === 300 ? ['[1,0]', '[1,1]'] : ['[2,0]'];
    expect(await tenant.vectors()).toEqual(Object.fromEntries(ids.map((id) => [id, expected])));
  });

  test('replaces all passages of an earlier embedding', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const embedded = await leaseEmbedded(tenant, 8, 4);
    await complete(tenant, embedded);
    const own = { tenant_id: tenant.tenantId, message_id: id, generation: 1 };
    const content_hash = embedded[0]?.contentHash ?? Buffer.alloc(0);
    await database.db
      .insertInto('embedding_pending')
      .values({ ...own, content_hash })
      .execute();
    expect(await complete(tenant, await leaseEmbedded(tenant, 9, 2))).toBe(1);
    expect(await tenant.vectors()).toEqual({ [id]: ['[9,0]', '[9,1]'] });
  });

  test('leaves a message pending whose speaker has changed since it was leased', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const embedded = await leaseEmbedded(tenant);
    const metadata = JSON.stringify({ speaker: 'Ana' });
    await database.db.updateTable('message').set({ metadata }).where('tenant_id', '=', tenant.tenantId).execute();
    expect(await complete(tenant, embedded)).toBe(0);
    expect(await tenant.vectors()).toEqual({});
    expect(
      await complete(
        tenant,
        embedded.map((message) => ({ ...message, speaker: 'Ana' })),
      ),
    ).toBe(1);
    expect(Object.keys(await tenant.vectors())).toEqual([id]);
  });

  test('writes all messages or none: a vector that the database refuses leaves everything pending', async () => {
    const tenant = createTenant(database.db);
    await tenant.add('fine', 'broken');
    const embedded = await leaseEmbedded(tenant);
    const [fine, broken] = embedded.map((message) => ({ ...message, vectors: [Float32Array.of(1)] }));
    if (fine === undefined || broken === undefined) throw new Error('nothing was leased');
    broken.vectors = [Float32Array.of(Number.NaN)];
    await expect(complete(tenant, [fine, broken])).rejects.toThrow('halfvec');
    expect(await tenant.vectors()).toEqual({});
    expect((await tenant.pending()).size).toBe(2);
  });

  test('of several tenants goes together, and each gets how many of its own were written', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    const [kept = '', deleted = ''] = await tenant.add('kept', 'deleted');
    const [theirs = ''] = await other.add('theirs');
    const batches = [
      { work: tenant.work, messages: await leaseEmbedded(tenant, 1, 2) },
      { work: other.work, messages: await leaseEmbedded(other, 2) },
    ];
    await tenant.deleteMessage(deleted);
    expect(await completeMessages(database.db, batches, halfvecOid)).toEqual([1, 1]);
    expect(await tenant.vectors()).toEqual({ [kept]: ['[1,0]', '[1,1]'] });
    expect(await other.vectors()).toEqual({ [theirs]: ['[2,0]'] });
    expect(await completeMessages(database.db, batches, halfvecOid)).toEqual([0, 0]);
  });

  test('emits events of what was written, once, and of nothing else', async () => {
    const tenant = createTenant(database.db);
    const [kept = '', changed = ''] = await tenant.add('kept', 'changed');
    const embedded = await leaseEmbedded(tenant);
    await tenant.changeContent(changed, 'other words');
    await complete(tenant, embedded);
    await complete(tenant, embedded);
    expect(await tenant.events()).toEqual([{ event_type: 'message.embedded', message_ids: [kept] }]);
  });

  test('security: never touches another tenant, even when it has the same ids and contents', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    const ids = await tenant.add('same');
    await other.addWithIds(ids.map((id) => [id, 'same']));
    expect(await complete(tenant, await leaseEmbedded(tenant))).toBe(1);
    expect(await other.vectors()).toEqual({});
    expect((await other.pending()).size).toBe(1);
    expect(await complete(other, await leaseEmbedded(other, 2))).toBe(1);
    expect(await tenant.vectors()).toEqual({ [ids[0] ?? '']: ['[1,0]'] });
  });
});
