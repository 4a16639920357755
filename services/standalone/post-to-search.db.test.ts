import { composeApi } from '@memory-layer/api/compose';
import { apiEnv, toApiConfig } from '@memory-layer/api/config';
import { composeEmbedWorker } from '@memory-layer/embed-worker/compose';
import { embedWorkerEnv, toEmbedWorkerConfig } from '@memory-layer/embed-worker/config';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { guardEmbedders } from '@memory-layer/shared/embedding/guard-embedders';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics, type Metrics } from '@memory-layer/shared/observability/metrics';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { TopicEmbedder } from './testing/topic-embedder.ts';

const key = 'key-of-the-tests-that-nobody-guesses';
const logger = createLogger({ service: 'test', level: 'silent' });
const breaker = { failureThreshold: 5, resetTimeoutMs: 100 };
const guarding = { provider: 'bundled', breaker, passageTimeoutMs: 10_000, queryTimeoutMs: 10_000 } as const;

async function start() {
  const fixture = await startTestDatabase();
  const { database, connection } = fixture;
  await migrateQueueSchema(connection);
  const queues = createQueueBackend({ kind: 'postgres', connection, timeoutMs: 10_000 });
  await queues.start();
  const embedder = new TopicEmbedder();
  const guarded = guardEmbedders(embedder, guarding, createMetrics());
  const shared = { database, queues, logger, clock: systemClock };
  const api = composeApi(toApiConfig(loadEnv(apiEnv, { MEMORY_API_KEYS: key, MEMORY_PORT: '0' })), {
    ...shared,
    replicas: undefined,
    queryEmbedder: guarded.query,
    reranker: undefined,
    rateStore: undefined,
    extraKeys: [],
    isOnlyProcess: true,
    environment: 'test',
    version: '0.0.0',
    metrics: createMetrics(),
  });
  await api.start();
  return {
    api,
    embedder,
    /** Sweeps once, when it starts: later it only does what jobs tell it. */
    createWorker: (metrics: Metrics) =>
      composeEmbedWorker(toEmbedWorkerConfig(loadEnv(embedWorkerEnv, { MEMORY_EMBEDDING_SWEEP_MS: '3600000' })), {
        ...shared,
        passageEmbedder: guarded.passage,
        isOnlyWorker: true,
        metrics,
      }),
    async stop() {
      await api.stop();
      await queues.stop();
      await fixture.stop();
    },
  };
}

let system: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  system = await start();
});
afterAll(() => system.stop());

async function startWorker(): Promise<Metrics> {
  const metrics = createMetrics();
  const worker = system.createWorker(metrics);
  onTestFinished(() => worker.stop());
  await worker.start();
  return metrics;
}

async function call(path: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${system.api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const post = (tenant: string, content: string, headers?: Record<string, string>) =>
  call('/v1/messages', { tenant_id: tenant, conversation_id: 'c', role: 'user', content }, headers);

async function find(tenant: string, query: string, mode: 'vector' | 'lexical'): Promise<string[]> {
  const answer = await call('/v1/memory/search', { tenant_id: tenant, query, mode, top_k: 1 });
  expect(answer).toMatchObject({ status: 200, body: { degraded: false } });
  return answer.body.items.map((item: { content: string }) => item.content);
}

test('a message that is posted gets its vector by a job, and is found by what it means', async () => {
  const metrics = await startWorker();
  const posted = ['The tulips are in bloom.', 'My automobile needs new brakes.', 'This recipe needs an oven.'];
  for (const content of posted) {
    const answer = await post('ana', content, { prefer: 'wait=30' });
    expect(answer).toMatchObject({ status: 200, body: { embedding_status: 'completed' } });
  }
  expect(system.embedder.passages).toEqual(posted);
  expect(await find('ana', 'Which vehicle?', 'vector')).toEqual(['My automobile needs new brakes.']);
  expect(await find('ana', 'Which flowers?', 'vector')).toEqual(['The tulips are in bloom.']);
  // It shares no word with the question.
  expect(await find('ana', 'Which vehicle?', 'lexical')).toEqual([]);
  const scrape = await metrics.registry.metrics();
  expect(scrape).toMatch(/^memory_embedding_messages_total\{outcome="embedded"\} 3$/m);
});

test('a tenant finds nothing that another one has posted', async () => {
  await startWorker();
  await post('ben', 'The car is in the garden.', { prefer: 'wait=30' });
  expect(await find('ben', 'automobile', 'vector')).toEqual(['The car is in the garden.']);
  expect(await find('cleo', 'automobile', 'vector')).toEqual([]);
});

test('what is posted while no worker runs waits for one', async () => {
  expect(await post('dora', 'The engine is loud.')).toMatchObject({
    status: 202,
    body: { embedding_status: 'pending' },
  });
  expect(await find('dora', 'vehicle', 'vector')).toEqual([]);
  expect(await find('dora', 'engine', 'lexical')).toEqual(['The engine is loud.']);
  await startWorker();
  await eventually(async () => expect(await find('dora', 'vehicle', 'vector')).toEqual(['The engine is loud.']));
});
