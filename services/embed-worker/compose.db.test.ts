import { eventually } from '@memory-layer/shared/testing/eventually';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { CircuitBrokenEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import type { QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { ScriptedEmbedder } from '@memory-layer/shared/embedding/testing/scripted-embedder';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { composeEmbedWorker } from './compose.ts';
import { embedWorkerEnv, toEmbedWorkerConfig } from './config.ts';
import { createTenant, generation, type TestTenant } from './testing/embedding-fixture.ts';

let database: TestDatabase;
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

const hour = '3600000';

/** A worker that stops with the test. Sweeps once when it starts, then never, unless said otherwise. */
async function startWorker(env: Record<string, string> = {}, options: { isOnlyWorker?: boolean } = {}) {
  const embedder = new ScriptedEmbedder();
  const metrics = createMetrics();
  const config = toEmbedWorkerConfig(loadEnv(embedWorkerEnv, { MEMORY_EMBEDDING_SWEEP_MS: hour, ...env }));
  const worker = composeEmbedWorker(config, {
    database: database.database,
    queues,
    passageEmbedder: new CircuitBrokenEmbedder(embedder, {
      name: 'passage',
      timeoutMs: 60_000,
      failureThreshold: 5,
      resetTimeoutMs: 100,
    }),
    isOnlyWorker: false,
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    ...options,
  });
  onTestFinished(() => worker.stop());
  await worker.start();
  return { worker, embedder, metrics };
}

const texts = (tenant: TestTenant, count: number) =>
  Array.from({ length: count }, (_, n) => `${tenant.tenantId} says ${n}`);

async function expectCompleted(tenants: readonly TestTenant[], count: number): Promise<void> {
  const isDone = async () => {
    for (const tenant of nonEmpty(tenants)) expect((await tenant.pending()).size).toBe(0);
  };
  await eventually(isDone);
  for (const tenant of nonEmpty(tenants)) {
    const vectors = Object.values(await tenant.vectors());
    expect(vectors).toHaveLength(count);
    expect(vectors.every((passages) => passages.length === 1)).toBe(true);
  }
}

test('two workers embed 300 messages of three tenants, each exactly once', async () => {
  const tenants = [createTenant(database.db), createTenant(database.db), createTenant(database.db)];
  const env = { MEMORY_EMBEDDING_JOB_BATCH_SIZE: '16' };
  const workers = [await startWorker(env), await startWorker(env)];
  const producer = queues.createProducer(embeddingQueue);
  onTestFinished(() => producer.close());
  for (const tenant of tenants) {
    await tenant.add(...texts(tenant, 100));
    await producer.add('embed-messages', { v: 1, tenantId: tenant.tenantId, generation });
  }
  await expectCompleted(tenants, 100);
  const asked = workers.flatMap(({ embedder }) => embedder.calls.flatMap((call) => call.texts));
  expect(asked.toSorted()).toEqual(tenants.flatMap((tenant) => texts(tenant, 100)).toSorted());
  const embedded = await Promise.all(workers.map(({ metrics }) => metrics.embeddingMessages.get()));
  const counted = embedded.flatMap(({ values }) => values);
  expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(300);
  expect(new Set(counted.map(({ labels }) => labels.outcome))).toEqual(new Set(['embedded']));
});

test('the flood of one tenant does not keep another one waiting: its message is embedded while most of it waits', async () => {
  const [flood, other] = [createTenant(database.db), createTenant(database.db)];
  const { embedder } = await startWorker({
    MEMORY_EMBEDDING_JOB_BATCH_SIZE: '16',
    MEMORY_EMBEDDING_JOB_CONCURRENCY: '8',
  });
  const { answer } = embedder;
  // The flood is computed as slowly as the test likes: nothing of it before the other tenant has its vector.
  const gate = Promise.withResolvers<void>();
  onTestFinished(() => gate.resolve());
  embedder.answer = async (batch, options) => {
    if (batch.some((text) => text.startsWith(flood.tenantId))) await gate.promise;
    return answer(batch, options);
  };
  const producer = queues.createProducer(embeddingQueue);
  onTestFinished(() => producer.close());
  await flood.add(...texts(flood, 400));
  await producer.add('embed-messages', { v: 1, tenantId: flood.tenantId, generation });
  // Its share of the places, and no more although nothing else is to be done.
  const expectShareTaken = async () => {
    const rows = [...(await flood.pending()).values()];
    expect(rows.filter((row) => row.leased_until !== null)).toHaveLength(6 * 16);
  };
  await eventually(expectShareTaken);
  await sleep(300);
  await expectShareTaken();
  await other.add('only one');
  await producer.add('embed-messages', { v: 1, tenantId: other.tenantId, generation });
  await expectCompleted([other], 1);
  expect((await flood.pending()).size).toBe(400);
  gate.resolve();
  await expectCompleted([flood], 400);
});

test('what was stored while nobody listened is taken up at the start', async () => {
  const tenant = createTenant(database.db);
  await tenant.add(...texts(tenant, 150));
  await startWorker();
  await expectCompleted([tenant], 150);
});

test('a scrape shows what waits, the queue and the pool', async () => {
  const tenant = createTenant(database.db);
  const { worker, metrics, embedder } = await startWorker();
  await worker.stop();
  const waiting = await tenant.add(...texts(tenant, 3));
  expect(embedder.calls).toEqual([]);
  const scrape = await metrics.registry.metrics();
  expect(scrape).toMatch(/^memory_pending_messages\{state="pending"\} 3$/m);
  expect(scrape).toMatch(/^memory_oldest_pending_age_seconds \d/m);
  expect(scrape).toMatch(/^memory_database_pool_connections\{state="idle"\} \d/m);
  // Its producer is closed: said, and nothing else is lost.
  expect(scrape).toMatch(/^memory_collector_up\{collector="queue:embedding"\} 0$/m);
  for (const id of waiting) await tenant.deleteMessage(id);
});

test('what has no job, and what a dead worker left, is found by the sweeper', async () => {
  const tenant = createTenant(database.db);
  const { worker } = await startWorker({ MEMORY_EMBEDDING_SWEEP_MS: '50' });
  await tenant.setPending(await tenant.add(...texts(tenant, 70)), { dueSecondsAgo: 2 });
  const [dead = ''] = await tenant.add('a dead worker had this');
  await tenant.setPending([dead], { dueSecondsAgo: 2, attempts: 2, leaseEndedSecondsAgo: 1 });
  await expectCompleted([tenant], 71);
  await worker.stop();
  await worker.stop();
});

test('a worker that died between taking a job and reporting it does not block the jobs of the tenant', async () => {
  const tenant = createTenant(database.db);
  await tenant.add(...texts(tenant, 200));
  const producer = queues.createProducer(embeddingQueue);
  onTestFinished(() => producer.close());
  const payload = { v: 1, tenantId: tenant.tenantId, generation } as const;
  await producer.add('embed-messages', payload, { deduplicationId: `${tenant.tenantId}.${generation}` });
  // As BullMQ leaves it: taken, locked for a while, and still the one job that bears this name.
  const taken = await sql`
    update bullmq.job set state = 'active', lock_token = 'dead', locked_until_ms = ${Date.now() + 3_600_000}
    where data ->> 'tenantId' = ${tenant.tenantId}
  `.execute(database.db);
  expect(taken.numAffectedRows).toBe(1n);
  await startWorker();
  await expectCompleted([tenant], 200);
});

test('an only worker does not wait for leases that a killed process held', async () => {
  const tenant = createTenant(database.db);
  await tenant.setPending(await tenant.add(...texts(tenant, 5)), { attempts: 1, leaseEndedSecondsAgo: -3600 });
  await startWorker({}, { isOnlyWorker: true });
  await expectCompleted([tenant], 5);
});

test('after an outage of the embedder everything is embedded by itself, and no attempt was burnt', async () => {
  const tenant = createTenant(database.db);
  const { embedder } = await startWorker({
    MEMORY_EMBEDDING_SWEEP_MS: '50',
    MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS: '20',
  });
  const answer = embedder.answer;
  embedder.answer = () => Promise.reject(new Error('gone'));
  await tenant.setPending(await tenant.add(...texts(tenant, 130)), { dueSecondsAgo: 2 });
  await eventually(() => expect(embedder.calls.length).toBeGreaterThanOrEqual(6));
  const attempts = [...(await tenant.pending()).values()].filter((row) => row.leased_until === null);
  expect(Math.max(...attempts.map((row) => row.attempts))).toBe(0);
  embedder.answer = answer;
  await expectCompleted([tenant], 130);
});

test('a worker with another model than the stored vectors does not begin', async () => {
  const tenant = createTenant(database.db);
  await startWorker();
  await database.db.updateTable('embedding_generation').set({ model_id: 'another' }).execute();
  onTestFinished(async () => {
    await database.db.updateTable('embedding_generation').set({ model_id: 'scripted' }).execute();
  });
  await tenant.add('text');
  await expect(startWorker()).rejects.toThrow('holds vectors of another');
  expect(await tenant.vectors()).toEqual({});
});
