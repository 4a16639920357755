import { eventually } from '@memory-layer/shared/testing/eventually';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import type { QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { untilSettled } from '@memory-layer/shared/testing/until-settled';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composeRetentionWorker } from './compose.ts';
import { retentionEnv, toRetentionConfig } from './config.ts';
import { createTenant, daysAgo } from './testing/retention-fixture.ts';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let queues: QueueBackend;
beforeAll(async () => {
  database = await startTestDatabase();
  await migrateQueueSchema(database.connection);
  queues = createQueueBackend({ kind: 'postgres', connection: database.connection, timeoutMs: 10_000 });
  await queues.start();
});
afterAll(async () => {
  await queues.stop();
  await database.stop();
});

test('a worker carries out what is scheduled and what waits without a job, and keeps the event log short', async () => {
  const scheduled = await createTenant(database.db, new Date('2025-01-01T00:00:00Z'));
  const justSeen = await createTenant(database.db, new Date());
  // By default age counts from when a message was stored, whatever its date.
  const createdAt = new Date();
  await scheduled.addMessages({ storedAt: daysAgo(31), createdAt }, { createdAt: daysAgo(99) });
  await justSeen.addMessages({ storedAt: daysAgo(31), createdAt });
  const waiting = await justSeen.askForRun(['archive']);

  await sql`insert into message_event (tenant_id, event_type, message_ids, created_at)
    select 'any', 'message.embedded', array[gen_random_uuid()], now() - make_interval(mins => age)
    from unnest(array[61, 59]) as age`.execute(database.db);
  // A worker prunes as it starts, and then every half a minute: what others still write on this server would put it off.
  await untilSettled(database.db);

  const metrics = createMetrics();
  const readiness = new Readiness();
  const lines: string[] = [];
  const worker = composeRetentionWorker(
    toRetentionConfig(loadEnv(retentionEnv, { MEMORY_RETENTION_MAX_AGE_DAYS: '30' })),
    {
      database: database.database,
      queues,
      logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
      metrics,
      clock: systemClock,
      readiness,
    },
  );
  await worker.start();
  try {
    await eventually(async () => {
      expect(await scheduled.archivedIds()).toHaveLength(1);
      expect(await justSeen.getRun(waiting)).toMatchObject({ state: 'completed', archived: 1 });
    });
    const events = database.db.selectFrom('message_event').select('event_id').where('tenant_id', '=', 'any');
    await eventually(async () => expect(await events.execute()).toHaveLength(1));
    await eventually(() => expectJobLines(lines, waiting));
    const scrape = await metrics.registry.metrics();
    expect(scrape).toMatch(/^memory_retention_jobs_total\{job_name="schedule-retention",status="completed"\} 1$/m);
    expect(scrape).toMatch(/^memory_retention_jobs_total\{job_name="run-retention",status="completed"\} [2-9]$/m);
    expect(scrape).toMatch(/^memory_retention_runs_total\{outcome="completed"\} [2-9]$/m);
    expect(scrape).toMatch(/^memory_queue_jobs\{queue="retention",state="waiting"\} \d+$/m);
    expect(scrape).toMatch(/^memory_ready 1$/m);
  } finally {
    await worker.stop();
    await worker.stop();
  }
});

/** Each attempt of a job has one line, with what the job was about. */
function expectJobLines(lines: readonly string[], runId: string): void {
  const jobs = lines.map((line) => JSON.parse(line)).filter((line) => line.msg === 'job');
  expect(jobs).toContainEqual(expect.objectContaining({ job: 'schedule-retention', attempt: 1 }));
  expect(jobs.filter((line) => line.job === 'run-retention').length).toBeGreaterThanOrEqual(2);
  expect(jobs.filter((line) => line.runId === runId)).toMatchObject([
    { job: 'run-retention', attempt: 1, tenantId: expect.any(String), durationMs: expect.any(Number) },
  ]);
}
