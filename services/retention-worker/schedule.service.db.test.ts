import { AppError } from '@memory-layer/shared/errors/app-error';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { staleAfterMs } from './retention.service.ts';
import { createScheduleRepository, type RunKey } from './schedule.repository.ts';
import { createScheduleService } from './schedule.service.ts';
import { createTenant, daysAgo, now } from './testing/retention-fixture.ts';

const never = new AbortController().signal;
const ago = (ms: number): Date => new Date(now.getTime() - ms);

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
// These queries look at all tenants, so each test begins with none.
beforeEach(async () => {
  await sql`truncate tenant, retention_run, idempotency_key`.execute(database.db);
});
afterAll(async () => database.stop());

function createSchedule(options: { tenantIds?: readonly string[]; jobsThatFit?: number } = {}) {
  const notified: RunKey[] = [];
  const service = createScheduleService(
    {
      schedule: createScheduleRepository(database.db),
      notifier: {
        notify: async (tenantId, runId) => {
          if (notified.length === options.jobsThatFit) throw new AppError('unavailable', 'the queue is away');
          notified.push({ tenantId, runId });
        },
      },
      clock: { now: () => now },
      logger: createLogger({ service: 'test', level: 'silent' }),
    },
    { everySeconds: 86_400, tenantIds: options.tenantIds },
  );
  return { ...service, notified };
}

const listRuns = async () => database.db.selectFrom('retention_run').selectAll().orderBy('tenant_id').execute();

describe('scheduling', () => {
  test('asks for one run of each tenant, of both actions, and notifies a worker of it', async () => {
    const tenants = [await createTenant(database.db), await createTenant(database.db)].map(({ tenantId }) => tenantId);
    const schedule = createSchedule();
    await schedule.scheduleRuns(never);
    const runs = await listRuns();
    expect(runs.map((run) => run.tenant_id)).toEqual(tenants.toSorted());
    for (const run of runs) {
      expect(run).toMatchObject({ state: 'queued', actions: ['archive', 'delete'], dry_run: false, requested_at: now });
    }
    expect(schedule.notified).toEqual(runs.map((run) => ({ tenantId: run.tenant_id, runId: run.run_id })));
  });

  test('goes through all tenants, page by page', async () => {
    await sql`insert into tenant (tenant_id, created_at)
      select 'many-' || n, ${daysAgo(100)} from generate_series(1, 2001) as n`.execute(database.db);
    const schedule = createSchedule();
    await schedule.scheduleRuns(never);
    expect(new Set(schedule.notified.map(({ tenantId }) => tenantId)).size).toBe(2001);
  });

  test('of listed tenants leaves the others out', async () => {
    const listed = await createTenant(database.db);
    await createTenant(database.db);
    const schedule = createSchedule({ tenantIds: [listed.tenantId, 'never-seen'] });
    await schedule.scheduleRuns(never);
    expect((await listRuns()).map((run) => run.tenant_id)).toEqual([listed.tenantId]);
  });

  test.each([
    ['queued', { state: 'queued', requested_at: daysAgo(3) }],
    ['running', { state: 'running', requested_at: daysAgo(3), started_at: now }],
    ['just completed', { state: 'completed', requested_at: daysAgo(0.4) }],
  ] as const)('passes over a tenant whose run is %s', async (_, run) => {
    const tenant = await createTenant(database.db);
    await tenant.askForRun(undefined, run);
    await createSchedule().scheduleRuns(never);
    expect(await listRuns()).toHaveLength(1);
  });

  test.each([
    ['was completed at the last time', { state: 'completed', requested_at: daysAgo(1) }],
    ['has failed', { state: 'failed', requested_at: daysAgo(0.1) }],
    ['is dry', { state: 'queued', dry_run: true }],
  ] as const)('does not pass over a tenant whose run %s', async (_, run) => {
    const tenant = await createTenant(database.db);
    await tenant.askForRun(undefined, run);
    await createSchedule().scheduleRuns(never);
    expect(await listRuns()).toHaveLength(2);
  });

  test('passes over a tenant that is new', async () => {
    await createTenant(database.db, daysAgo(0.4));
    await createSchedule().scheduleRuns(never);
    expect(await listRuns()).toEqual([]);
  });

  test('keeps the runs when the queue is away', async () => {
    for (let n = 0; n < 3; n += 1) await createTenant(database.db);
    const schedule = createSchedule({ jobsThatFit: 1 });
    await schedule.scheduleRuns(never);
    expect(await listRuns()).toHaveLength(3);
    expect(schedule.notified).toHaveLength(1);
  });

  test('deletes idempotency keys that have expired', async () => {
    const key = (name: string, expires_at: Date) => ({
      tenant_id: 't',
      idempotency_key: name,
      request_hash: Buffer.from('h'),
      answer: '{}',
      expires_at,
    });
    const keys = [key('past', ago(1)), key('exactly', now), key('valid', new Date(now.getTime() + 1))];
    await database.db.insertInto('idempotency_key').values(keys).execute();
    await createSchedule().scheduleRuns(never);
    const left = await database.db.selectFrom('idempotency_key').select('idempotency_key').execute();
    expect(left).toEqual([{ idempotency_key: 'valid' }]);
  });
});

describe('enqueueing stuck runs', () => {
  test('takes what waits for more than a minute, and for the runs of dead workers, oldest first', async () => {
    const tenant = await createTenant(database.db);
    const queued = await tenant.askForRun(undefined, { requested_at: ago(60_001) });
    const dead = await tenant.askForRun(undefined, {
      state: 'running',
      requested_at: daysAgo(1),
      started_at: ago(staleAfterMs + 1),
    });
    await tenant.askForRun(undefined, { requested_at: ago(60_000) });
    await tenant.askForRun(undefined, { state: 'running', requested_at: daysAgo(1), started_at: ago(staleAfterMs) });
    await tenant.askForRun(undefined, { state: 'completed', requested_at: daysAgo(1), started_at: daysAgo(1) });
    await tenant.askForRun(undefined, { state: 'failed', requested_at: daysAgo(1), started_at: daysAgo(1) });
    const schedule = createSchedule();
    expect(await schedule.enqueueStuckRuns()).toBe(2);
    expect(schedule.notified.map(({ runId }) => runId)).toEqual([dead, queued]);
  });

  test('stops at the first jobs that the queue does not take', async () => {
    const tenant = await createTenant(database.db);
    for (let n = 0; n < 60; n += 1) await tenant.askForRun(undefined, { requested_at: daysAgo(1) });
    expect(await createSchedule({ jobsThatFit: 1 }).enqueueStuckRuns()).toBe(1);
  });
});
