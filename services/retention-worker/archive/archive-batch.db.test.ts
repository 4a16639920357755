import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { instantOf } from '@memory-layer/shared/time/instant';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy, type RetentionPolicy } from '@memory-layer/shared/retention/retention-policy';
import { createTenant, daysAgo, justBefore, now } from '../testing/retention-fixture.ts';
import type { ArchiveRequest } from './batch.ts';
import { archiveBatch } from './batch.sql.ts';

const defaults = { maxAgeDays: 30, ageOf: 'created', importanceThreshold: 0.35, deleteAfterDays: 90 } as const;

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

function toRequest(
  tenantId: string,
  reason: ArchiveRequest['reason'],
  policy: Partial<RetentionPolicy> = {},
): ArchiveRequest {
  const resolved = { ...resolvePolicy(undefined, defaults), ...policy };
  return { tenantId, reason, policy: resolved, cutoffs: cutoffsAt(resolved, now), limit: 100, after: undefined };
}

const archive = async (tenantId: string, reason: ArchiveRequest['reason'], policy: Partial<RetentionPolicy> = {}) =>
  archiveBatch(database.db, toRequest(tenantId, reason, policy));

describe('by age', () => {
  test("in mode 'all', what is both older than the limit and below the threshold", async () => {
    const tenant = await createTenant(database.db);
    const [archived] = await tenant.addMessages(
      { createdAt: justBefore(daysAgo(30)), importance: 0.349 },
      { createdAt: daysAgo(30), importance: 0.349 },
      { createdAt: justBefore(daysAgo(30)), importance: 0.35 },
      { createdAt: daysAgo(1), importance: 0 },
      { createdAt: daysAgo(300), importance: 1 },
    );
    await archive(tenant.tenantId, 'age');
    expect(await tenant.archiveReasons()).toEqual({ [String(archived)]: 'age' });
    expect(await tenant.messageIds()).toHaveLength(4);
  });

  test("in mode 'any', what is old or unimportant, the limits included", async () => {
    const tenant = await createTenant(database.db);
    const [kept] = await tenant.addMessages(
      { createdAt: daysAgo(29.99), importance: 0.351 },
      { createdAt: daysAgo(30), importance: 1 },
      { createdAt: daysAgo(0), importance: 0.35 },
      { createdAt: daysAgo(300), importance: 0 },
    );
    await archive(tenant.tenantId, 'age', { matchMode: 'any' });
    expect(await tenant.messageIds()).toEqual([kept]);
    expect(await tenant.archivedIds()).toHaveLength(3);
  });

  test('takes the oldest first, as many as the batch holds, and goes on behind them', async () => {
    const tenant = await createTenant(database.db);
    const sameMoment = daysAgo(50);
    const ids = await tenant.addMessages(
      { createdAt: daysAgo(60) },
      { createdAt: sameMoment },
      { createdAt: sameMoment },
      { createdAt: daysAgo(40) },
    );
    const request = { ...toRequest(tenant.tenantId, 'age'), limit: 2 };
    const first = await archiveBatch(database.db, request);
    expect(first).toEqual({ rows: 2, next: { at: instantOf(sameMoment), id: ids[1] } });
    expect(await tenant.archivedIds()).toEqual(ids.slice(0, 2));
    const second = await archiveBatch(database.db, { ...request, after: first.next });
    expect(second).toEqual({ rows: 2, next: { at: instantOf(daysAgo(40)), id: ids[3] } });
    expect(await archiveBatch(database.db, { ...request, after: second.next })).toEqual({ rows: 0, next: undefined });
  });
});

describe('by the time of storing', () => {
  const ageOf = 'stored';

  test('what was stored before the limit, whatever its created_at', async () => {
    const tenant = await createTenant(database.db);
    const limit = daysAgo(30);
    const [old] = await tenant.addMessages(
      { storedAt: justBefore(limit), createdAt: daysAgo(1) },
      { storedAt: limit, createdAt: daysAgo(999) },
      { storedAt: daysAgo(99), importance: 0.35 },
      {},
    );
    await archive(tenant.tenantId, 'age', { ageOf });
    expect(await tenant.archivedIds()).toEqual([old]);
  });

  test("in mode 'any', what was stored at the limit or before", async () => {
    const tenant = await createTenant(database.db);
    const important = { importance: 0.9, createdAt: daysAgo(1) };
    const ids = await tenant.addMessages(
      { ...important, storedAt: daysAgo(30) },
      { ...important, storedAt: new Date(daysAgo(30).getTime() + 1) },
      { ...important, importance: 0.35 },
    );
    await archive(tenant.tenantId, 'age', { ageOf, matchMode: 'any' });
    expect(await tenant.archivedIds()).toEqual([ids[0], ids[2]]);
  });

  test('goes on behind the last of a batch', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...[50, 60, 40].map((days) => ({ storedAt: daysAgo(days) })));
    const request = { ...toRequest(tenant.tenantId, 'age', { ageOf }), limit: 2 };
    const first = await archiveBatch(database.db, request);
    expect(first).toMatchObject({ rows: 2 });
    expect(await archiveBatch(database.db, { ...request, after: first.next })).toEqual({ rows: 1, next: undefined });
    expect(await tenant.messageIds()).toEqual([]);
  });
});

describe('beyond max_items', () => {
  const young = daysAgo(1);

  test('keeps the most important, then the newest, and takes the others from the other end', async () => {
    const tenant = await createTenant(database.db);
    const ids = await tenant.addMessages(
      { createdAt: young, importance: 0.2 },
      { createdAt: daysAgo(20), importance: 0.9 },
      { createdAt: daysAgo(2), importance: 0.2 },
      { createdAt: young, importance: 0.1 },
      { createdAt: daysAgo(3), importance: 0.2 },
    );
    const request = { ...toRequest(tenant.tenantId, 'max_items', { maxItems: 2 }), limit: 2 };
    await archiveBatch(database.db, request);
    expect(await tenant.archivedIds()).toEqual([ids[3], ids[4]]);
    await archiveBatch(database.db, request);
    expect(await tenant.messageIds()).toEqual([ids[0], ids[1]]);
    expect(Object.values(await tenant.archiveReasons())).toEqual(['max_items', 'max_items', 'max_items']);
  });

  test('takes nothing as long as there is room', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages({ createdAt: young }, { createdAt: young });
    expect(await archive(tenant.tenantId, 'max_items', { maxItems: 2 })).toEqual({ rows: 0, next: undefined });
  });

  test('does not count what is held, or goes for another reason', async () => {
    const tenant = await createTenant(database.db);
    await tenant.holdConversation('held');
    await tenant.addMessages(
      { createdAt: young, importance: 1, conversationId: 'held' },
      { createdAt: young, importance: 1, expiresAt: now },
      { createdAt: daysAgo(31), importance: 0.3 },
      { createdAt: young },
      { createdAt: young },
    );
    expect(await archive(tenant.tenantId, 'max_items', { maxItems: 2 })).toMatchObject({ rows: 0 });
    expect(await archive(tenant.tenantId, 'max_items', { maxItems: 1 })).toMatchObject({ rows: 1 });
  });
});

describe('what is left alone', () => {
  test('what another transaction has locked', async (context) => {
    if (database.engine === 'embedded') context.skip('the embedded database runs one transaction at a time');
    const tenant = await createTenant(database.db);
    const [locked] = await tenant.addMessages({}, {});
    await database.db.transaction().execute(async (other) => {
      await other.selectFrom('message').select('id').where('id', '=', String(locked)).forKeyShare().execute();
      expect(await archive(tenant.tenantId, 'age')).toMatchObject({ rows: 1 });
    });
    expect(await tenant.messageIds()).toEqual([locked]);
  });

  test.each([
    ['age', {}],
    ['max_items', { maxItems: 1 }],
  ] as const)('by %s: messages of a conversation on legal hold, until it ends', async (reason, policy) => {
    const tenant = await createTenant(database.db);
    await tenant.holdConversation('held');
    const createdAt = reason === 'age' ? daysAgo(99) : daysAgo(1);
    const seed = { createdAt };
    await tenant.addMessages({ ...seed, conversationId: 'held' }, { ...seed, conversationId: 'held' });
    expect(await archive(tenant.tenantId, reason, policy)).toMatchObject({ rows: 0 });
    await tenant.holdConversation('held', false);
    expect((await archive(tenant.tenantId, reason, policy)).rows).toBeGreaterThan(0);
  });

  test('another tenant, with the same conversation on no hold', async () => {
    const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
    await other.holdConversation('c-1');
    await tenant.addMessages({}, { createdAt: daysAgo(1) });
    const others = await other.addMessages({ conversationId: 'c-2' }, {});
    for (const reason of ['age', 'max_items'] as const) {
      await archive(tenant.tenantId, reason, { maxItems: 0 });
    }
    expect(await tenant.messageIds()).toEqual([]);
    expect(await other.messageIds()).toEqual(others);
    expect(await other.archivedIds()).toEqual([]);
  });
});

const ofWords = ['search_language', 'search_vector', 'search_passages'];

describe('the archive', () => {
  test('has every column of message but those of its words', async () => {
    const columns = await sql<{ table_name: string; column_name: string }>`
      select table_name, column_name from information_schema.columns
      where table_name in ('message', 'archived_message') and is_generated = 'NEVER'`.execute(database.db);
    const columnsOf = (table: string) =>
      columns.rows
        .filter((row) => row.table_name === table)
        .map((row) => row.column_name)
        .toSorted();
    const added = ['archived_at', 'archive_reason'];
    const kept = columnsOf('message').filter((column) => !column.startsWith('search_'));
    expect(columnsOf('archived_message')).toEqual([...kept, ...added].toSorted());
  });

  const read = async (table: 'message' | 'archived_message', tenantId: string): Promise<Record<string, unknown>> =>
    database.db.selectFrom(table).selectAll().where('tenant_id', '=', tenantId).executeTakeFirstOrThrow();

  test('keeps the value of every column, and adds when and why', async () => {
    const tenant = await createTenant(database.db);
    const expiresAt = new Date('2027-01-01T00:00:00.123Z');
    await tenant.addMessages({ importance: 0.123, externalId: 'ext-1', expiresAt });
    const message = await read('message', tenant.tenantId);
    for (const column of ofWords) Reflect.deleteProperty(message, column);
    await archive(tenant.tenantId, 'age');
    const copy = await read('archived_message', tenant.tenantId);
    expect(copy).toEqual({ ...message, archived_at: now, archive_reason: 'age' });
    expect(copy).toMatchObject({ metadata: { tag: 'kept', nested: { n: 1 } }, external_id: 'ext-1' });
  });

  test('keeps times to the microsecond, also of messages of one millisecond, a batch each', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages({}, {}, {});
    await sql`
      update message set created_at = created_at + n * interval '1 microsecond', expires_at = timestamptz '2099-01-01' + interval '7 microseconds'
      from (select id, row_number() over (order by id) as n from message where tenant_id = ${tenant.tenantId}) numbered
      where tenant_id = ${tenant.tenantId} and message.id = numbered.id`.execute(database.db);
    const times = async (table: 'message' | 'archived_message') =>
      (
        await sql<{ text: string }>`
          select concat_ws(' ', created_at, updated_at, expires_at) as text from ${sql.table(table)}
          where tenant_id = ${tenant.tenantId} order by id`.execute(database.db)
      ).rows;
    const before = await times('message');
    expect(new Set(before.map(({ text }) => text)).size).toBe(3);
    let after: ArchiveRequest['after'];
    for (let n = 0; n < 3; n++) {
      const batch = await archiveBatch(database.db, { ...toRequest(tenant.tenantId, 'age'), limit: 1, after });
      expect(batch.rows).toBe(1);
      after = batch.next;
    }
    expect(await times('archived_message')).toEqual(before);
  });

  test('replaces an older copy of a message that had come back', async () => {
    const tenant = await createTenant(database.db);
    const id = uuidv7();
    await tenant.addArchived({ id, archivedAt: daysAgo(10) });
    await tenant.addMessages({
      id,
      conversationId: 'c-2',
      createdAt: daysAgo(200),
      importance: 0.2,
      expiresAt: daysAgo(-5),
      externalId: 'ext-1',
    });
    await database.db
      .updateTable('message')
      .set({ role: 'tool', content: 'new', content_hash: Buffer.from('new'), metadata: '{"tag":"new"}' })
      .where('tenant_id', '=', tenant.tenantId)
      .execute();
    const message = await read('message', tenant.tenantId);
    for (const column of ofWords) Reflect.deleteProperty(message, column);
    await archive(tenant.tenantId, 'age');
    const copy = await read('archived_message', tenant.tenantId);
    expect(copy).toEqual({ ...message, archived_at: now, archive_reason: 'age' });
  });

  test('takes vectors and pending rows away with the message', async () => {
    const tenant = await createTenant(database.db);
    const [gone, kept] = await tenant.addMessages({}, { createdAt: daysAgo(1) });
    for (const id of [gone, kept].map(String)) {
      const key = { tenant_id: tenant.tenantId, message_id: id, generation: 1 };
      await database.db
        .insertInto('embedding')
        .values({
          ...key,
          passage_no: 0,
          vector: '[1,2]',
          conversation_id: 'c-1',
          role: 'user',
          importance: 0,
          created_at: now,
        })
        .execute();
      await database.db
        .insertInto('embedding_pending')
        .values({ ...key, content_hash: Buffer.from('h'), last_error: null, leased_until: null })
        .execute();
    }
    await archive(tenant.tenantId, 'age');
    for (const table of ['embedding', 'embedding_pending'] as const) {
      const left = await database.db
        .selectFrom(table)
        .select('message_id')
        .where('tenant_id', '=', tenant.tenantId)
        .execute();
      expect(left).toEqual([{ message_id: kept }]);
    }
  });
});
