import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { appendMessageEvents, emitEvents } from './append-message-events.sql.ts';
import { maxIdsPerRow } from '../message/message-event.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

const newIds = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

async function rowsOf(tenantId: string) {
  const rows = await fixture.db
    .selectFrom('message_event')
    .select(['event_type as type', 'message_ids as ids', 'transaction_id as transactionId'])
    .where('tenant_id', '=', tenantId)
    .orderBy('event_id')
    .execute();
  return rows;
}

describe('appending events', () => {
  test('makes one row of all messages of a tenant to which the same happened', async () => {
    const [embedded, failed, others] = [newIds(3), newIds(1), newIds(2)];
    await appendMessageEvents(fixture.db, [
      { tenantId: 'a', type: 'message.embedded', messageIds: embedded },
      { tenantId: 'a', type: 'message.failed', messageIds: failed },
      { tenantId: 'b', type: 'message.embedded', messageIds: others },
    ]);
    expect(await rowsOf('a')).toMatchObject([
      { type: 'message.embedded', ids: embedded },
      { type: 'message.failed', ids: failed },
    ]);
    expect(await rowsOf('b')).toMatchObject([{ type: 'message.embedded', ids: others }]);
  });

  test('splits very many, in their order', async () => {
    const ids = newIds(2 * maxIdsPerRow + 1);
    await appendMessageEvents(fixture.db, [{ tenantId: 'many', type: 'message.deleted', messageIds: ids }]);
    const rows = await rowsOf('many');
    expect(rows.map((row) => row.ids.length)).toEqual([maxIdsPerRow, maxIdsPerRow, 1]);
    expect(rows.flatMap((row) => row.ids)).toEqual(ids);
  });

  test('does nothing without ids', async () => {
    await appendMessageEvents(fixture.db, [{ tenantId: 'none', type: 'message.embedded', messageIds: [] }]);
    await appendMessageEvents(fixture.db, []);
    expect(await rowsOf('none')).toEqual([]);
  });

  test('tells nothing of a transaction that is rolled back, and the transaction of one that is not', async () => {
    const append = (tenantId: string) => ({ tenantId, type: 'message.embedded' as const, messageIds: newIds(1) });
    const aborted = fixture.db.transaction().execute(async (transaction) => {
      await appendMessageEvents(transaction, [append('rolled-back')]);
      throw new Error('no');
    });
    await expect(aborted).rejects.toThrow('no');
    expect(await rowsOf('rolled-back')).toEqual([]);

    const own = await fixture.db.transaction().execute(async (transaction) => {
      const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(transaction);
      await appendMessageEvents(transaction, [append('committed')]);
      return rows[0]?.id;
    });
    expect((await rowsOf('committed')).map((row) => row.transactionId)).toEqual([own]);
  });

  test('a full row is kept whole in a page of the table', async () => {
    const before = await toastedBytes();
    await appendMessageEvents(fixture.db, [
      { tenantId: 't'.repeat(64), type: 'message.embedded', messageIds: newIds(maxIdsPerRow) },
    ]);
    expect(await toastedBytes()).toBe(before);
  });
});

async function toastedBytes(): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select pg_relation_size(reltoastrelid)::int as bytes from pg_class where relname = 'message_event'
  `.execute(fixture.db);
  return rows[0]?.bytes ?? -1;
}

describe('events of a statement', () => {
  test('are one row of what its other parts found, split when there is very much, none when there is nothing', async () => {
    const emit = (tenantId: string, count: number) =>
      sql`with source as (select gen_random_uuid() as id from generate_series(1, ${count})),
        emitted as ${emitEvents(tenantId, 'message.archived', sql.table('source'))}
        select`.execute(fixture.db);
    await emit('cte', 2);
    await emit('cte-many', maxIdsPerRow + 1);
    await emit('cte-none', 0);
    expect((await rowsOf('cte')).map(({ type, ids }) => [type, ids.length])).toEqual([['message.archived', 2]]);
    expect((await rowsOf('cte-many')).map(({ ids }) => ids.length)).toEqual([maxIdsPerRow, 1]);
    expect(await rowsOf('cte-none')).toEqual([]);
  });
});
