import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import type { QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { composeRetentionWorker } from './compose.ts';
import { retentionEnv, toRetentionConfig } from './config.ts';
import { createTenant } from './testing/retention-fixture.ts';

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

test('a worker carries out what is scheduled, and what waits without a bell', async () => {
  const scheduled = await createTenant(database.db, new Date('2025-01-01T00:00:00Z'));
  const justSeen = await createTenant(database.db, new Date());
  await scheduled.addMessages({});
  await justSeen.addMessages({});
  const waiting = await justSeen.askForRun(['archive']);

  const worker = composeRetentionWorker(toRetentionConfig(loadEnv(retentionEnv, {})), {
    database: database.database,
    queues,
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics(),
    clock: systemClock,
  });
  await worker.start();
  try {
    await vi.waitFor(
      async () => {
        expect(await scheduled.archivedIds()).toHaveLength(1);
        expect(await justSeen.getRun(waiting)).toMatchObject({ state: 'completed', archived: 1 });
      },
      { timeout: 30_000, interval: 50 },
    );
  } finally {
    await worker.stop();
    await worker.stop();
  }
});
