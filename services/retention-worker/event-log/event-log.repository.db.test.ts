import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilSettled } from '@memory-layer/shared/testing/until-settled';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { createEventLogRepository, type EventLogRepository } from './event-log.repository.ts';

let fixture: TestDatabase;
let eventLog: EventLogRepository;
beforeAll(async () => {
  fixture = await startTestDatabase();
  eventLog = createEventLogRepository(fixture.db);
});
afterAll(() => fixture.stop());
beforeEach(() => sql`truncate message_event, message_event_pruned`.execute(fixture.db));

const event = (tenantId: string) => ({ tenantId, type: 'message.embedded' as const, messageIds: [randomUUID()] });

/** One row for each age, of a transaction of its own. */
async function append(...agesInMinutes: readonly number[]): Promise<void> {
  for (const age of agesInMinutes) {
    await appendMessageEvents(fixture.db, [event(`aged-${age}`)]);
    await sql`update message_event set created_at = now() - ${age} * interval '1 minute'
      where tenant_id = ${`aged-${age}`}`.execute(fixture.db);
  }
}

/** Of what can be read. */
async function prune(limit = 100): Promise<number> {
  await untilSettled(fixture.db);
  return eventLog.prune({ keepMinutes: 60, limit });
}

const left = async (): Promise<string[]> =>
  (await fixture.db.selectFrom('message_event').select('tenant_id').orderBy('event_id').execute()).map(
    (row) => row.tenant_id,
  );
const marked = () => fixture.db.selectFrom('message_event_pruned').select(['transaction_id', 'event_id']).execute();

describe('pruning the event log', () => {
  test('takes what is too old and nothing else', async () => {
    await append(61, 59, 120);
    expect(await prune()).toBe(2);
    expect(await left()).toEqual(['aged-59']);
    expect(await prune()).toBe(0);
  });

  test('takes the oldest first, at most the given number', async () => {
    await append(62, 64, 63, 61);
    expect(await prune(2)).toBe(2);
    expect(await left()).toEqual(['aged-62', 'aged-61']);
  });

  test('notes the furthest place that was cut, and never goes back', async () => {
    await append(61, 99);
    const rows = await fixture.db
      .selectFrom('message_event')
      .select(['tenant_id', 'transaction_id', 'event_id'])
      .execute();
    const placeOf = (tenantId: string) => {
      const row = rows.find((one) => one.tenant_id === tenantId);
      return [{ transaction_id: row?.transaction_id, event_id: row?.event_id }];
    };
    expect(await marked()).toEqual([]);
    await prune(1);
    expect(await marked()).toEqual(placeOf('aged-99'));
    await prune(1);
    expect(await marked()).toEqual(placeOf('aged-99'));
  });

  test('changes no mark and leaves no trace when nothing is old', async () => {
    await append(1);
    expect(await prune(10)).toBe(0);
    expect(await marked()).toEqual([]);
  });

  test('keeps what nobody can have read yet', async (context) => {
    if (fixture.engine === 'embedded') context.skip('the embedded database runs one transaction at a time');
    await append(70);
    await untilSettled(fixture.db);
    await fixture.db.transaction().execute(async (slow) => {
      await appendMessageEvents(slow, [event('slow')]);
      await append(80);
      expect(await eventLog.prune({ keepMinutes: 60, limit: 10 })).toBe(1);
    });
    expect(await left()).toEqual(['slow', 'aged-80']);
    expect(await prune()).toBe(1);
  });

  test('by two at once takes every row once', async (context) => {
    if (fixture.engine === 'embedded') context.skip('the embedded database runs one transaction at a time');
    await append(61, 62, 63, 64);
    const counts = await Promise.all([prune(), prune()]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(await left()).toEqual([]);
  });
});
