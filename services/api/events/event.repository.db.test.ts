import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { maxIdsPerRow, type MessageEventType } from '@memory-layer/shared/message/message-event';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { untilSettled } from '@memory-layer/shared/testing/until-settled';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
// What the retention worker prunes, a reader of events has to notice.
// oxlint-disable-next-line no-restricted-imports
import { createEventLogRepository } from '../../retention-worker/event-log/event-log.repository.ts';
import { eventsOf, type EventLog, type MessageEvent } from './event-log.ts';
import { decodePosition, encodePosition, startOf, type EventPosition } from './event-position.ts';
import { createEventRepository } from './event.repository.ts';
import { readStatement } from './read-events.sql.ts';

let fixture: TestDatabase;
let log: EventLog;
beforeAll(async () => {
  fixture = await startTestDatabase();
  log = createEventRepository(fixture.db);
});
afterAll(() => fixture.stop());

let tenants = 0;
let tenantId: string;
let beginning: EventPosition;
beforeEach(async () => {
  tenantId = `tenant-${(tenants += 1)}`;
  beginning = await horizon();
});

const horizon = async (): Promise<EventPosition> =>
  (await log.read({ tenantIds: [tenantId], from: undefined, limit: 1 })).next;
const newIds = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

async function append(messageIds: readonly string[], type: MessageEventType = 'message.embedded', of = tenantId) {
  await appendMessageEvents(fixture.db, [{ tenantId: of, type, messageIds }]);
}

/** All events from a place on, page by page, of all that is committed. */
async function readAll(from: EventPosition, tenantIds = [tenantId], limit = 2): Promise<MessageEvent[]> {
  await untilSettled(fixture.db);
  return readNow(from, tenantIds, limit);
}

async function readNow(from: EventPosition, tenantIds = [tenantId], limit = 2): Promise<MessageEvent[]> {
  const events: MessageEvent[] = [];
  for (let next = from; ;) {
    const page = await log.read({ tenantIds, from: next, limit });
    expect(page.isBroken).toBe(false);
    events.push(...page.rows.flatMap((row) => eventsOf(row, row.firstIndex, maxIdsPerRow)));
    if (page.isEnd) return events;
    next = page.next;
  }
}

const idsOf = (events: readonly MessageEvent[]): string[] => events.map(({ messageId }) => messageId);

describe('reading the event log', () => {
  test('begins now by default', async () => {
    await append(newIds(1));
    await untilSettled(fixture.db);
    const now = await log.read({ tenantIds: [tenantId], from: undefined, limit: 10 });
    expect(now).toMatchObject({ rows: [], isEnd: true, isBroken: false });
    const ids = newIds(2);
    await append(ids);
    expect(idsOf(await readAll(now.next))).toEqual(ids);
  });

  test('publishes what happened to which message, when, in order', async () => {
    const [embedded, deleted] = [newIds(2), newIds(1)];
    await append(embedded);
    await append(deleted, 'message.deleted');
    const events = await readAll(beginning);
    expect(events).toMatchObject([
      { type: 'message.embedded', messageId: embedded[0], tenantId },
      { type: 'message.embedded', messageId: embedded[1], tenantId },
      { type: 'message.deleted', messageId: deleted[0], tenantId },
    ]);
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(fixture.db);
    for (const { at } of events) expect(Math.abs(at.getTime() - (rows[0]?.now.getTime() ?? 0))).toBeLessThan(60_000);
  });

  test('goes on exactly behind each event', async () => {
    for (const count of [3, 1, 2]) await append(newIds(count));
    const events = await readAll(beginning);
    expect(events).toHaveLength(6);
    for (const [n, { next }] of events.entries()) {
      const from = decodePosition(encodePosition(next)) ?? startOf(0n);
      expect(idsOf(await readAll(from))).toEqual(idsOf(events.slice(n + 1)));
    }
  });

  test('of several tenants is one sequence, whatever the size of a page', async () => {
    const others = ['a', 'b'].map((name) => `${tenantId}-${name}`);
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) {
      const [id = ''] = newIds(1);
      ids.push(id);
      await append([id], 'message.embedded', others[n % 2]);
    }
    for (const limit of [1, 2, 3, 7, 100]) expect(idsOf(await readAll(beginning, others, limit))).toEqual(ids);
  });

  test('security: of tenant A shows nothing of tenant B', async () => {
    const other = `${tenantId}-other`;
    await append(newIds(2), 'message.embedded', other);
    const ids = newIds(1);
    await append(ids);
    expect(idsOf(await readAll(beginning))).toEqual(ids);
    const [foreign] = await readAll(beginning, [other]);
    expect(idsOf(await readAll(foreign?.next ?? beginning))).toEqual(ids);
  });

  test('misses nothing and publishes nothing twice while many write', async () => {
    const written: string[] = [];
    const write = async (pauseMs: number): Promise<void> => {
      for (let n = 0; n < 15; n++) {
        const ids = newIds((n % 3) + 1);
        await fixture.db.transaction().execute(async (transaction) => {
          await appendMessageEvents(transaction, [{ tenantId, type: 'message.embedded', messageIds: ids }]);
          await sleep(pauseMs);
        });
        written.push(...ids);
      }
    };
    const writing = Promise.all([0, 1, 3, 7].map(write));
    let isDone = false;
    void writing.then(() => (isDone = true));
    const seen: string[] = [];
    for (let from = beginning, isLast = false; !isLast;) {
      isLast = isDone;
      const events = await (isLast ? readAll(from) : readNow(from));
      seen.push(...idsOf(events));
      from = events.at(-1)?.next ?? from;
    }
    await writing;
    expect(seen.toSorted()).toEqual(written.toSorted());
  });

  test('never passes by what commits later, in any order', async (context) => {
    if (fixture.engine === 'embedded') context.skip('the embedded database runs one transaction at a time');
    const [first, second, third] = [newIds(1), newIds(1), newIds(1)];
    const event = (messageIds: string[]) => ({ tenantId, type: 'message.embedded' as const, messageIds });
    await fixture.db.transaction().execute(async (slow) => {
      await appendMessageEvents(slow, [event(first)]);
      await appendMessageEvents(fixture.db, [event(second)]);
      expect(await readNow(beginning)).toEqual([]);
      // A reader that begins now begins before what is open.
      beginning = await horizon();
      await appendMessageEvents(slow, [event(third)]);
    });
    const late = await readAll(beginning);
    expect(idsOf(late)).toEqual([...first, ...third, ...second]);
  });
});

describe('a place that the log does not hold', () => {
  const prune = async (limit: number): Promise<number> => {
    await untilSettled(fixture.db);
    return createEventLogRepository(fixture.db).prune({ keepMinutes: 60, limit });
  };
  const age = (minutes: number) =>
    sql`update message_event set created_at = created_at - ${minutes} * interval '1 minute'
      where tenant_id = ${tenantId}`.execute(fixture.db);
  const isBroken = async (from: EventPosition) => (await log.read({ tenantIds: [tenantId], from, limit: 10 })).isBroken;

  test('is one before what was pruned; behind it nothing is missing', async () => {
    for (const count of [2, 2]) await append(newIds(count));
    const events = await readAll(beginning);
    await age(61);
    expect(await prune(1)).toBe(1);
    const places = [beginning, ...events.map(({ next }) => next)];
    expect(await Promise.all(places.map(isBroken))).toEqual([true, true, false, false, false]);
    expect(idsOf(await readAll(events[1]?.next ?? beginning))).toEqual(idsOf(events.slice(2)));
    expect(await prune(1)).toBe(1);
    expect(await Promise.all(places.map(isBroken))).toEqual([true, true, true, true, false]);
  });

  test('goes on from now on, without what is left', async () => {
    await append(newIds(1));
    await age(61);
    await append(newIds(1));
    await prune(10);
    const page = await log.read({ tenantIds: [tenantId], from: beginning, limit: 10 });
    expect(page).toMatchObject({ rows: [], isEnd: true, isBroken: true });
    const ids = newIds(1);
    await append(ids);
    expect(idsOf(await readAll(page.next))).toEqual(ids);
  });

  test('is one that this database has not come to', async () => {
    const { transactionId } = await horizon();
    expect(await isBroken(startOf(transactionId))).toBe(false);
    expect(await isBroken(startOf(transactionId + 1_000_000n))).toBe(true);
  });

  test('is not made by what a restore brought from another server', async () => {
    const beyond = String(2n ** 62n);
    await sql`insert into message_event (tenant_id, transaction_id, event_type, message_ids, created_at)
      values (${tenantId}, ${beyond}::xid8, 'message.embedded', array[gen_random_uuid()], now() - interval '2 hours')`.execute(
      fixture.db,
    );
    await sql`insert into message_event_pruned (transaction_id, event_id) values (${beyond}::xid8, 1)
      on conflict (one_row) do update set transaction_id = excluded.transaction_id`.execute(fixture.db);
    expect(await readAll(beginning)).toEqual([]);
    expect(await prune(10)).toBe(1);
    expect(await isBroken(beginning)).toBe(false);
    // Its own pruning counts again.
    await append(newIds(1));
    await age(61);
    await prune(10);
    expect(await isBroken(beginning)).toBe(true);
  });
});

test('the log is read by its key, for each tenant as far as the page goes', async () => {
  const { db } = fixture;
  await sql`insert into message_event (tenant_id, event_type, message_ids)
    select 'plan-' || n % 20, 'message.embedded', array[gen_random_uuid()] from generate_series(1, 5000) n`.execute(db);
  await sql`analyze message_event`.execute(db);
  const query = readStatement({ tenantIds: ['plan-1', 'plan-2'], from: beginning, limit: 20 });
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(db);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index Scan using message_event_pkey/);
  expect(plan).toMatch(/Index Cond:.*tenant_id.*transaction_id/);
  expect(plan).not.toMatch(/Seq Scan on message_event\b/);
});
