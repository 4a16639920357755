import { appendAuditEvents } from '@memory-layer/shared/audit/append-audit-events.sql';
import { systemOrigin } from '@memory-layer/shared/audit/audit-event';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenant, daysAgo, now } from '../testing/retention-fixture.ts';
import { createWorker, never, seeds } from '../testing/test-worker.ts';
import { createAuditLogPruner } from './audit-log-pruner.ts';
import { createAuditLogRepository } from './audit-log.repository.ts';

const audit = systemOrigin('retention-worker');
let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

const eventsOf = (tenantId: string) =>
  fixture.db.selectFrom('audit_event').selectAll().where('tenant_id', '=', tenantId).orderBy('id').execute();

describe('a retention run', () => {
  test('is one entry, whatever the number of its batches', async () => {
    const tenant = await createTenant(fixture.db);
    await tenant.addMessages(...seeds(7, {}));
    await tenant.addArchived(...seeds(3, { archivedAt: daysAgo(200) }));
    const runId = await tenant.askForRun();
    const worker = createWorker(fixture.db, { batchSize: 2, audit });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await eventsOf(tenant.tenantId)).toMatchObject([
      {
        actor_id: 'system:retention-worker',
        action: 'retention.complete',
        object_type: 'retention_run',
        object_id: runId,
        outcome: 'success',
        request_id: null,
        changes: { actions: ['archive', 'delete'], dry_run: false, archived: 7, deleted: 3 },
      },
    ]);
  });

  test('that another worker goes on with is one entry, with what both have done', async () => {
    const tenant = await createTenant(fixture.db);
    await tenant.addMessages(...seeds(4, {}));
    const runId = await tenant.askForRun(['archive']);
    const stopped = new AbortController();
    const first = createWorker(fixture.db, { batchSize: 1, audit, afterBatch: async () => stopped.abort() });
    expect(await first.run(tenant.tenantId, runId, stopped.signal)).toBe('handed-back');
    expect(await eventsOf(tenant.tenantId)).toEqual([]);
    await createWorker(fixture.db, { audit }).run(tenant.tenantId, runId, never);
    expect(await eventsOf(tenant.tenantId)).toMatchObject([{ changes: { archived: 4 } }]);
  });

  test('that fails is told as failed, with what it had done until then', async () => {
    const tenant = await createTenant(fixture.db);
    await tenant.addMessages(...seeds(4, {}));
    const runId = await tenant.askForRun(['archive']);
    const fail = async (batch: number) => {
      if (batch === 2) throw new Error('a fault');
    };
    const worker = createWorker(fixture.db, { batchSize: 1, audit, afterBatch: fail });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('failed');
    expect(await eventsOf(tenant.tenantId)).toMatchObject([{ outcome: 'failed', changes: { archived: 2 } }]);
  });

  test('that finds nothing, or is dry, is none', async () => {
    const tenant = await createTenant(fixture.db);
    const worker = createWorker(fixture.db, { audit });
    await worker.run(tenant.tenantId, await tenant.askForRun(), never);
    await tenant.addMessages(...seeds(2, {}));
    await worker.run(tenant.tenantId, await tenant.askForRun(['archive'], { dry_run: true }), never);
    expect((await tenant.messageIds()).length).toBe(2);
    expect(await eventsOf(tenant.tenantId)).toEqual([]);
  });

  test('is not told where the audit log is off', async () => {
    const tenant = await createTenant(fixture.db);
    await tenant.addMessages(...seeds(2, {}));
    const runId = await tenant.askForRun();
    expect(await createWorker(fixture.db).run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await eventsOf(tenant.tenantId)).toEqual([]);
  });

  test('is not told when it is no longer this worker’s: then nothing is ended', async () => {
    const tenant = await createTenant(fixture.db);
    await tenant.addMessages(...seeds(2, {}));
    const runId = await tenant.askForRun(['archive']);
    const takeOver = async () => {
      const other = fixture.db.updateTable('retention_run').set({ started_at: new Date(now.getTime() + 1) });
      await other.where('tenant_id', '=', tenant.tenantId).execute();
    };
    const worker = createWorker(fixture.db, { audit, afterBatch: takeOver });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('lost');
    expect(await eventsOf(tenant.tenantId)).toEqual([]);
  });
});

describe('the pruner', () => {
  const append = (tenantId: string, ages: readonly number[]) =>
    appendAuditEvents(
      fixture.db,
      ages.map((age) => ({
        ...audit,
        at: new Date(Date.now() - age * 86_400_000),
        tenantId,
        action: 'message.delete' as const,
        objectType: 'message' as const,
        objectId: `aged-${age}`,
        outcome: 'success' as const,
        changes: {},
      })),
    );

  test('deletes what is older than it is to be kept, and writes that down', async () => {
    await append('pruned', [400, 380, 364, 1]);
    const auditLog = createAuditLogRepository(fixture.db, audit);
    const logger = createLogger({ service: 'test', level: 'silent' });
    const pruner = createAuditLogPruner({ auditLog, keepDays: 365, logger });
    await pruner.start();
    await pruner.stop();
    expect((await eventsOf('pruned')).map((row) => row.object_id)).toEqual(['aged-364', 'aged-1']);
    const told = await fixture.db.selectFrom('audit_event').selectAll().where('action', '=', 'audit.prune').execute();
    expect(told).toMatchObject([
      { tenant_id: null, actor_id: 'system:retention-worker', changes: { deleted: 2, older_than_days: 365 } },
    ]);
  });

  test('by two at once takes every row once', async (context) => {
    if (fixture.engine === 'embedded') context.skip('the embedded database runs one transaction at a time');
    await append('twice', [500, 490, 480, 470]);
    const prune = () => createAuditLogRepository(fixture.db, undefined).prune({ keepDays: 365, limit: 2 });
    const counts = await Promise.all([prune(), prune(), prune()]);
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(4);
  });

  test('takes the oldest rows by the primary key', async () => {
    await append(
      'planned',
      Array.from({ length: 500 }, (_, n) => n),
    );
    await sql`analyze audit_event`.execute(fixture.db);
    const { rows } = await sql<Record<string, string>>`
      explain select id from audit_event order by id limit 100 for update skip locked`.execute(fixture.db);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('audit_event_pkey');
  });
});
