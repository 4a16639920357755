import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Schema } from '../db/schema.ts';
import { nonEmpty } from '../testing/non-empty.ts';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { appendAuditEvent, appendAuditEvents } from './append-audit-events.sql.ts';
import { systemOrigin, type AuditEntry } from './audit-event.ts';

let fixture: TestDatabase;
let db: Kysely<Schema>;
beforeAll(async () => {
  fixture = await startTestDatabase();
  db = fixture.db;
});
afterAll(() => fixture.stop());

const origin = systemOrigin('test');
const entry: AuditEntry = {
  tenantId: 'acme',
  action: 'message.delete',
  objectType: 'message',
  objectId: 'm-1',
  outcome: 'success',
  changes: {},
};
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
const appendAged = (...ages: readonly number[]): Promise<void> =>
  appendAuditEvents(
    db,
    ages.map((age) => ({ ...origin, ...entry, objectId: `aged-${age}`, at: daysAgo(age) })),
  );
const agedIds = async (): Promise<(string | null)[]> => {
  const rows = await db.selectFrom('audit_event').select('object_id').orderBy('id').execute();
  return rows.map((row) => row.object_id).filter((id) => id?.startsWith('aged-'));
};
const prune = async (keepDays: number, limit: number): Promise<number | undefined> => {
  const result = await sql<{ n: number }>`select prune_audit_events(${keepDays}, ${limit}) as n`.execute(db);
  return result.rows[0]?.n;
};

describe('an entry', () => {
  test('stands with its transaction, and falls with it', async () => {
    const write = (objectId: string, fails: boolean) =>
      db.transaction().execute(async (transaction) => {
        await appendAuditEvent(transaction, origin, { ...entry, objectId });
        if (fails) throw new Error('changed its mind');
      });
    await write('stands', false);
    await expect(write('falls', true)).rejects.toThrow('changed its mind');
    const rows = await db.selectFrom('audit_event').select('object_id').execute();
    expect(rows).toEqual([{ object_id: 'stands' }]);
  });

  test('is not written where the audit log is off', async () => {
    await db
      .transaction()
      .execute((transaction) => appendAuditEvent(transaction, undefined, { ...entry, objectId: 'off' }));
    expect(await db.selectFrom('audit_event').select('id').where('object_id', '=', 'off').execute()).toEqual([]);
  });

  test('has an id of its time, so that ids are in the order of time', async () => {
    await appendAged(3, 2, 1);
    expect(await agedIds()).toEqual(['aged-3', 'aged-2', 'aged-1']);
    const { rows } = await sql<{ agrees: boolean }>`
      select ('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint
        = (extract(epoch from at) * 1000)::bigint as agrees
      from audit_event`.execute(db);
    expect(nonEmpty(rows).every((row) => row.agrees)).toBe(true);
  });
});

describe('security: the audit log is append-only', () => {
  const refused = /audit_event is append-only/;

  test.each([
    ['a change', sql`update audit_event set actor_id = 'nobody'`],
    ['a change of no row', sql`update audit_event set actor_id = 'nobody' where false`],
    [
      'a change in place of an insert',
      sql`insert into audit_event select * from audit_event limit 1 on conflict (id) do update set action = 'message.get'`,
    ],
    ['a deletion', sql`delete from audit_event`],
    ['a deletion of what is old', sql`delete from audit_event where at < now() - interval '1 year'`],
    ['emptying it', sql`truncate audit_event`],
  ])('%s is refused, also to the owner', async (_, statement) => {
    await appendAged(0, 1000);
    await expect(statement.execute(db)).rejects.toThrow(refused);
  });

  test('a forged setting deletes nothing of the last week', async () => {
    await appendAged(0);
    const forged = db.transaction().execute(async (transaction) => {
      await sql`select set_config('memory.prunes_audit', 'on', true)`.execute(transaction);
      await sql`delete from audit_event`.execute(transaction);
    });
    await expect(forged).rejects.toThrow(refused);
  });

  test('a role of a service may write and read it, and have it pruned, but not delete', async () => {
    await appendAged(0, 2000);
    const attempts = await db.transaction().execute(async (transaction) => {
      const attempt = async (text: string): Promise<string> => {
        await sql`savepoint attempt`.execute(transaction);
        try {
          await sql.raw(text).execute(transaction);
          return 'done';
        } catch (error) {
          await sql`rollback to savepoint attempt`.execute(transaction);
          return error instanceof Error ? error.message : 'failed';
        }
      };
      await sql`create role audit_writer`.execute(transaction);
      await sql`grant select, insert on audit_event to audit_writer`.execute(transaction);
      await sql`set local role audit_writer`.execute(transaction);
      const copy = `insert into audit_event select gen_random_uuid(), at, tenant_id, actor_id, actor_name, action,
          object_type, object_id, request_id, address, outcome, changes from audit_event limit 1`;
      const own = [
        await attempt(copy),
        await attempt(`update audit_event set action = 'x'`),
        await attempt('delete from audit_event'),
        await attempt('truncate audit_event'),
        await attempt('alter table audit_event disable trigger all'),
        await attempt('select prune_audit_events(365, 1000)'),
      ];
      await sql`reset role`.execute(transaction);
      await sql`grant execute on function prune_audit_events(integer, integer) to audit_writer`.execute(transaction);
      await sql`set local role audit_writer`.execute(transaction);
      const pruning = await attempt('select prune_audit_events(365, 1000)');
      const after = await attempt('delete from audit_event');
      await sql`reset role`.execute(transaction);
      await sql`drop owned by audit_writer`.execute(transaction);
      await sql`drop role audit_writer`.execute(transaction);
      return [...own, pruning, after];
    });
    expect(attempts).toEqual([
      'done',
      'permission denied for table audit_event',
      'permission denied for table audit_event',
      'permission denied for table audit_event',
      'must be owner of table audit_event',
      'permission denied for function prune_audit_events',
      'done',
      'permission denied for table audit_event',
    ]);
    expect(await agedIds()).not.toContain('aged-2000');
  });
});

describe('pruning', () => {
  test('deletes the oldest of what is older than asked, a bounded number at a time', async () => {
    await prune(7, 1000);
    await appendAged(40, 30, 20, 8, 6);
    expect(await prune(25, 1)).toBe(1);
    expect(await prune(25, 10)).toBe(1);
    expect(await prune(25, 10)).toBe(0);
    expect((await agedIds()).slice(0, 2)).toEqual(['aged-20', 'aged-8']);
    expect(await prune(7, 10)).toBe(2);
    expect((await agedIds())[0]).toBe('aged-6');
  });

  test.each([6, 0, -1, null])('security: keeping %s days is refused', async (days) => {
    await expect(sql`select prune_audit_events(${days}, 10)`.execute(db)).rejects.toThrow('at least 7');
  });

  test('leaves the setting as it was: what follows in the transaction cannot delete', async () => {
    await appendAged(30);
    const both = db.transaction().execute(async (transaction) => {
      await sql`select prune_audit_events(365, 10)`.execute(transaction);
      await sql`delete from audit_event where at < now() - interval '20 days'`.execute(transaction);
    });
    await expect(both).rejects.toThrow('append-only');
  });
});
