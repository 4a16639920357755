import { appendAuditEvents } from '@memory-layer/shared/audit/append-audit-events.sql';
import { systemOrigin } from '@memory-layer/shared/audit/audit-event';
import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordQueries } from '../testing/record-queries.ts';
import type { AuditRequest } from './audit.ts';
import { createAuditRepository } from './audit.repository.ts';

const request: AuditRequest = {
  tenantId: undefined,
  actorId: undefined,
  action: undefined,
  objectType: undefined,
  objectId: undefined,
  outcome: undefined,
  sinceMs: undefined,
  untilMs: undefined,
  order: 'desc',
  after: undefined,
  limit: 5,
};

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
  const start = Date.UTC(2026, 0, 1);
  const events = Array.from({ length: 3000 }, (_, n) => ({
    ...systemOrigin('test'),
    at: new Date(start + n * 1000),
    tenantId: n % 10 === 0 ? 'rare' : 'often',
    action: n === 0 ? ('message.delete' as const) : ('message.get' as const),
    objectType: 'message' as const,
    objectId: `m-${n % 500}`,
    outcome: 'success' as const,
    changes: {},
  }));
  await appendAuditEvents(fixture.db, events);
  await sql`analyze audit_event`.execute(fixture.db);
});
afterAll(() => fixture.stop());

describe('a page looks at a bounded number of entries', () => {
  test.each(['asc', 'desc'] as const)('%s: pages without entries lead to the one that is left', async (order) => {
    const audit = createAuditRepository(fixture.db, 400);
    const lengths: number[] = [];
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await audit.list({ ...request, action: 'message.delete', order, after });
      lengths.push(page.items.length);
      found.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(found).toHaveLength(1);
    expect(lengths).toEqual(order === 'desc' ? [0, 0, 0, 0, 0, 0, 0, 1] : [1, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('a page that is full goes on behind its last entry', async () => {
    const page = await createAuditRepository(fixture.db, 400).list({ ...request, tenantId: 'rare' });
    expect(page.items).toHaveLength(5);
    expect(page.next).toBe(page.items.at(-1)?.id);
  });
});

describe('reads a range of one index', () => {
  test.each<[string, Partial<AuditRequest>, RegExp]>([
    ['of ids', {}, /audit_event_pkey/],
    [
      'of ids, within a time',
      { sinceMs: Date.UTC(2026, 0, 1, 0, 10), untilMs: Date.UTC(2026, 0, 1, 0, 11) },
      /audit_event_pkey/,
    ],
    ['of a tenant', { tenantId: 'rare', actorId: 'nobody' }, /audit_event_tenant_idx/],
    ['of an object', { objectId: 'm-7', tenantId: 'rare' }, /audit_event_object_idx/],
  ])('%s', async (_, filter, index) => {
    const plans = await fixture.db.transaction().execute(async (transaction) => {
      await sql`set local enable_seqscan to off`.execute(transaction);
      await sql`set local enable_bitmapscan to off`.execute(transaction);
      const recorder = recordQueries(transaction);
      await createAuditRepository(recorder.db).list({ ...request, ...filter });
      return recorder.explainAll();
    });
    for (const plan of nonEmpty(plans)) {
      expect(plan).toMatch(index);
      expect(plan).not.toMatch(/Seq Scan on audit_event/);
      expect(new Set(plan.match(/audit_event_\w+(?= on)/g)).size).toBe(1);
    }
  });
});

test('the statement of a page', async () => {
  const text = await compiledSql((db) =>
    createAuditRepository(db).list({ ...request, tenantId: 'acme', sinceMs: 0, outcome: 'refused' }),
  );
  await expect(text).toMatchFileSnapshot('__sql__/list-audit-events.sql');
});
