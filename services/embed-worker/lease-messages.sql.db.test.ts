import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LeaseRequest, LeaseResult } from './lease.ts';
import { leaseMessages } from './lease-messages.sql.ts';
import { createTenant, type TestTenant } from './testing/embedding-fixture.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

async function lease(tenant: TestTenant, options: Partial<LeaseRequest> = {}): Promise<LeaseResult> {
  const [own] = await leaseMessages(database.db, [
    { ...tenant.work, limit: 64, tokenBudget: 1_000_000, leaseMs: 60_000, ...options },
  ]);
  if (own === undefined) throw new Error('no lease for the request');
  return own;
}

/** Ids of what a lease took, in the order of the ids. */
async function leaseIds(tenant: TestTenant, options: Partial<LeaseRequest> = {}): Promise<string[]> {
  const { messages } = await lease(tenant, options);
  return messages.map((message) => message.messageId).toSorted();
}

const contents = (count: number, text = 'text') => Array.from({ length: count }, (_, n) => `${text} ${n}`);

describe('a lease', () => {
  test('takes what is due, with its content, for a time, and counts an attempt', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('hello');
    const { messages, mayLeaveMore } = await lease(tenant, { leaseMs: 90_000 });
    const row = (await tenant.pending()).get(id);
    expect(messages).toEqual([{ messageId: id, content: 'hello', contentHash: row?.content_hash, attempts: 1 }]);
    expect(mayLeaveMore).toBe(false);
    expect(row).toMatchObject({ attempts: 1, state: 'pending' });
    const lastsMs = Number(row?.leased_until) - Date.now();
    expect(lastsMs).toBeGreaterThan(30_000);
    expect(lastsMs).toBeLessThanOrEqual(90_000);
  });

  test('leaves what is not due, what is leased, what has failed, and another generation', async () => {
    const tenant = createTenant(database.db);
    const [later = '', leased = '', failed = '', due = ''] = await tenant.add('later', 'leased', 'failed', 'due');
    await tenant.setPending([later], { dueSecondsAgo: -60 });
    await tenant.setPending([leased], { leaseEndedSecondsAgo: -60 });
    await tenant.setPending([failed], { state: 'failed' });
    const next = { ...tenant.work, generation: 2, limit: 9, tokenBudget: 1_000_000, leaseMs: 1000 };
    expect(await leaseMessages(database.db, [next])).toEqual([{ messages: [], mayLeaveMore: false }]);
    expect(await leaseIds(tenant)).toEqual([due]);
    expect(await leaseIds(tenant)).toEqual([]);
  });

  test('passes by what has expired, and nothing is pending of it any more', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...contents(3));
    const [first = '', second = '', third = ''] = ids;
    await sql`update message set expires_at = now() where tenant_id = ${tenant.tenantId} and id <> ${third}::uuid`.execute(
      database.db,
    );
    // Nothing was to be embedded, and more is left to look at.
    expect(await lease(tenant, { limit: 2 })).toEqual({ messages: [], mayLeaveMore: true });
    const pending = await tenant.pending();
    expect([first, second, third].map((id) => pending.has(id))).toEqual([false, false, true]);
    expect(await leaseIds(tenant, { limit: 2 })).toEqual([third]);
    expect(await lease(tenant)).toEqual({ messages: [], mayLeaveMore: false });
  });

  test('takes what is due longest first, and says that there is more', async () => {
    const tenant = createTenant(database.db);
    const [a = '', b = '', c = ''] = await tenant.add(...contents(3));
    await tenant.setPending([b], { dueSecondsAgo: 20 });
    await tenant.setPending([c], { dueSecondsAgo: 10 });
    const first = await lease(tenant, { limit: 2 });
    expect(first.messages.map((message) => message.messageId).toSorted()).toEqual([b, c].toSorted());
    expect(first.mayLeaveMore).toBe(true);
    expect(await leaseIds(tenant, { limit: 2 })).toEqual([a]);
  });

  test('that has ended is taken again, and counts again', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    await lease(tenant);
    await tenant.setPending([id], { leaseEndedSecondsAgo: 1 });
    expect((await lease(tenant)).messages).toMatchObject([{ messageId: id, attempts: 2 }]);
  });

  test('never shares a message with another one', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...contents(200));
    const leases = await Promise.all(Array.from({ length: 10 }, () => leaseIds(tenant, { limit: 30 })));
    expect(leases.flat().toSorted()).toEqual(ids);
  });

  test('does not wait for messages that somebody has locked (needs a server)', async (context) => {
    context.skip(database.engine === 'embedded', 'the embedded engine runs transactions one after the other');
    const tenant = createTenant(database.db);
    const [locked = '', free = ''] = await tenant.add(...contents(2));
    await database.db.transaction().execute(async (transaction) => {
      await transaction.selectFrom('embedding_pending').where('message_id', '=', locked).forUpdate().execute();
      expect(await leaseIds(tenant)).toEqual([free]);
    });
    expect(await leaseIds(tenant)).toEqual([locked]);
  });

  test('security: never takes messages of another tenant, even when they have the same ids', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    const ids = await tenant.add('mine');
    await other.addWithIds(ids.map((id) => [id, 'theirs']));
    expect((await lease(tenant)).messages).toMatchObject([{ content: 'mine' }]);
    expect([...(await other.pending()).values()]).toMatchObject([{ attempts: 0, leased_until: null }]);
    expect((await lease(other)).messages).toMatchObject([{ content: 'theirs' }]);
  });
});

describe('a lease by estimated tokens', () => {
  // 1000 estimated tokens each: three bytes a token.
  const thousand = (count: number) => Array.from({ length: count }, (_, n) => String(n).padEnd(3000, 'x'));

  test('takes the oldest messages up to its budget, and says that there is more', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...thousand(6));
    for (const from of [0, 2, 4]) {
      const { messages, mayLeaveMore } = await lease(tenant, { tokenBudget: 2500 });
      expect(messages.map((message) => message.messageId)).toEqual(ids.slice(from, from + 2));
      expect(mayLeaveMore).toBe(from < 4);
    }
    for (const row of nonEmpty((await tenant.pending()).values())) expect(row).toMatchObject({ attempts: 1 });
  });

  test('counts no attempt and holds no lease of what it leaves', async () => {
    const tenant = createTenant(database.db);
    const [, left = ''] = await tenant.add(...thousand(2));
    await lease(tenant, { tokenBudget: 1500 });
    expect((await tenant.pending()).get(left)).toMatchObject({ attempts: 0, leased_until: null });
  });

  test('takes one message however large it is, also of bytes that are moved out of the row, and no other with it', async () => {
    const tenant = createTenant(database.db);
    const large = Array.from({ length: 3 }, (_, n) => `${n}${'\ufdfa'.repeat(99_999)}`);
    const ids = await tenant.add(...large, 'small');
    const taken: string[][] = [];
    for (let round = 0; round < 4; round += 1) {
      const { messages } = await lease(tenant, { tokenBudget: 100 });
      taken.push(messages.map((message) => message.messageId));
      for (const { content } of nonEmpty(messages)) expect([...large, 'small']).toContain(content);
    }
    expect(taken).toEqual(ids.map((id) => [id]));
  });

  test('never passes a large message over for small ones behind it', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add('small', 'x'.repeat(100_000), 'small too');
    const order: string[] = [];
    for (let round = 0; round < 3; round += 1) order.push(...(await leaseIds(tenant, { tokenBudget: 1000 })));
    expect(order).toEqual(ids);
  });

  test('deals what was taken out to all who asked, each message to one, and none over its number', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...contents(40), ...thousand(8), ...contents(20));
    const request = (limit: number, tokenBudget: number) => ({ ...tenant.work, limit, tokenBudget, leaseMs: 60_000 });
    const leases = await leaseMessages(database.db, [request(30, 3000), request(25, 2000), request(13, 9000)]);
    const dealt = leases.flatMap(({ messages }) => messages.map((message) => message.messageId));
    expect(dealt).toEqual(ids);
    for (const [n, limit] of [30, 25, 13].entries()) {
      expect(leases[n]?.messages.length).toBeGreaterThan(0);
      expect(leases[n]?.messages.length).toBeLessThanOrEqual(limit);
    }
  });
});

describe('leases of several tenants at once', () => {
  const limited = (tenant: TestTenant, limit: number) => ({
    ...tenant.work,
    limit,
    tokenBudget: 1_000_000,
    leaseMs: 60_000,
  });

  test('give each what it asked for and no more, in the order asked', async () => {
    const [flood, small, idle] = [createTenant(database.db), createTenant(database.db), createTenant(database.db)];
    await flood.add(...contents(50));
    const ids = await small.add(...contents(2));
    const [ofFlood, ofIdle, ofSmall] = await leaseMessages(database.db, [
      limited(flood, 8),
      limited(idle, 8),
      limited(small, 8),
    ]);
    expect(ofFlood).toMatchObject({ messages: { length: 8 }, mayLeaveMore: true });
    expect(ofIdle).toEqual({ messages: [], mayLeaveMore: false });
    expect(ofSmall?.messages.map((message) => message.messageId)).toEqual(ids);
    expect(ofSmall?.mayLeaveMore).toBe(false);
  });

  test('never give one message to two that ask for the same tenant, and let one of them know that there is more', async () => {
    const tenant = createTenant(database.db);
    await tenant.add(...contents(7));
    const leases = await leaseMessages(database.db, [limited(tenant, 3), limited(tenant, 3), limited(tenant, 0)]);
    const ids = leases.flatMap(({ messages }) => messages.map((message) => message.messageId));
    expect(leases.map(({ messages }) => messages.length)).toEqual([3, 3, 0]);
    expect(new Set(ids).size).toBe(6);
    expect(leases.map(({ mayLeaveMore }) => mayLeaveMore)).toEqual([false, true, false]);
  });

  test('take a poison suspect alone for one tenant, and batches for the others', async () => {
    const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
    const [suspect = ''] = await tenant.add(...contents(2));
    await tenant.setPending([suspect], { attempts: 2, dueSecondsAgo: 61 });
    await other.add(...contents(3));
    const [first, second] = await leaseMessages(database.db, [limited(tenant, 9), limited(other, 9)]);
    expect(first).toMatchObject({ messages: [{ messageId: suspect, attempts: 3 }], mayLeaveMore: true });
    expect(second?.messages).toHaveLength(3);
  });
});

describe('what was leased twice without an outcome', () => {
  test('is taken alone, behind the others, and asks for more until nothing is left', async () => {
    const tenant = createTenant(database.db);
    const [first = '', second = '', fresh = ''] = await tenant.add(...contents(3));
    await tenant.setPending([first, second], { attempts: 2, dueSecondsAgo: 5 });
    expect(await leaseIds(tenant)).toEqual([fresh]);
    expect(await lease(tenant)).toMatchObject({ messages: [{ messageId: first, attempts: 3 }], mayLeaveMore: true });
    expect(await lease(tenant)).toMatchObject({ messages: [{ messageId: second }], mayLeaveMore: true });
    expect(await lease(tenant)).toEqual({ messages: [], mayLeaveMore: false });
  });

  test('goes first once it is due for longer than a lease, so that new messages cannot keep it waiting', async () => {
    const tenant = createTenant(database.db);
    const [waiting = '', fresh = ''] = await tenant.add(...contents(2));
    await tenant.setPending([waiting], { attempts: 2, dueSecondsAgo: 61 });
    expect(await leaseIds(tenant)).toEqual([waiting]);
    expect(await leaseIds(tenant)).toEqual([fresh]);
  });
});
