import type { Database } from '@memory-layer/shared/db/database';
import type { Schema } from '@memory-layer/shared/db/schema';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { CircuitBrokenEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService } from '@memory-layer/shared/generation/generation.service';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createLogger, type Logger } from '@memory-layer/shared/observability/logger';
import { createMetrics, type Metrics } from '@memory-layer/shared/observability/metrics';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import type { Kysely } from 'kysely';
import { composeApp } from '../compose.ts';
import { apiEnv, toApiConfig, type ApiConfig } from '../config.ts';
import type { BodyMemoryLimits } from '../cost/body-memory.ts';
import type { ConcurrencyLimits } from '../cost/tenant-concurrency-limiter.ts';
import type { UnreadAnswerLimits } from '../cost/unread-answers.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { Reranker } from '../search/reranker/reranker.ts';
import { createCaller, type Call } from './call.ts';
import { RecordingQueues, type WorkerNotification } from './recording-queues.ts';
import { WordEmbedder } from './word-embedder.ts';

/** The moment at which the tests take place. */
export const now = new Date('2026-03-01T12:00:00.000Z');

/** One key for all tenants, and one each for two of them. */
export const keys = {
  unbound: 'unbound-key-of-the-operator',
  acme: 'bound-key-of-tenant-acme',
  globex: 'bound-key-of-tenant-globex',
} as const;

export const limits = { maxBodyBytes: 1_048_576, maxBatchBodyBytes: 16_777_216, maxMetadataBytes: 65_536 } as const;

const queryTimeoutMs = 100;

export interface TestApiOptions {
  /** What a retention worker would do when it is notified of a run. */
  readonly onRetentionRun?: (db: Kysely<Schema>, tenantId: string, runId: string) => Promise<void>;
  readonly retentionWaitMs?: number;
  readonly retryBudgetMs?: number;
  readonly requestTimeoutMs?: number;
  readonly allowedOrigins?: readonly string[];
  readonly rates?: Partial<ApiConfig['rates']>;
  readonly unreadAnswers?: UnreadAnswerLimits;
  readonly reads?: Partial<ConcurrencyLimits>;
  readonly bodyMemory?: Partial<BodyMemoryLimits>;
  readonly maxQueuedBytes?: number;
  readonly importStallMs?: number;
  /** 0: no tenant is read into memory. */
  readonly searchIndexBytes?: number;
  readonly stopping?: AbortSignal;
  readonly reranker?: Reranker;
  readonly events?: Partial<ApiConfig['events']>;
  readonly audit?: Partial<ApiConfig['audit']>;
  readonly trustedProxies?: readonly string[];
}

export interface TestApi {
  readonly db: Kysely<Schema>;
  readonly database: Database;
  readonly logger: Logger;
  readonly connection: TestDatabase['connection'];
  readonly call: Call;
  readonly embedder: WordEmbedder;
  /** Makes the embedder well, and waits until the circuit breaker has seen it. */
  healEmbedder(): Promise<void>;
  readonly generation: number;
  /** Every notification of the embed workers. */
  readonly notifications: WorkerNotification[];
  /** Every line that was logged, at any level. */
  readonly logLines: string[];
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** For a listener. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** As through a listener, with what it knows of the connection. */
  readonly request: (path: string, init: RequestInit, bindings: object) => Response | Promise<Response>;
  readonly feed: EventFeed;
  /** The same api over another database, for a listener. */
  appOver(database: Database): Pick<TestApi, 'fetch' | 'call'>;
  /** The same api over another database: one that is away, for instance. */
  over(database: Database): Call;
  stop(): Promise<void>;
}

/** The api without a listener, composed as in production: over a database of its own, with a model made of arithmetic. */
export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const fixture = await startTestDatabase();
  const embedder = new WordEmbedder();
  const queryEmbedder = new CircuitBrokenEmbedder(embedder, {
    name: 'query',
    timeoutMs: queryTimeoutMs,
    failureThreshold: 2,
    resetTimeoutMs: 50,
  });
  const generations = createGenerationService({
    generations: createGenerationRepository(fixture.db),
    embedder: queryEmbedder,
  });
  const { generation } = await generations.start();
  const readiness = new Readiness();
  readiness.set('ready');
  const lifecycle = { readiness, generations, stopping: options.stopping ?? new AbortController().signal };
  const queues = new RecordingQueues(async ({ tenantId, runId }) =>
    options.onRetentionRun?.(fixture.db, tenantId, runId),
  );
  const config = testConfig(options);
  const logLines: string[] = [];
  const resources = {
    replicas: undefined,
    queues,
    queryEmbedder,
    reranker: options.reranker,
    rateStore: undefined,
    extraKeys: [],
    isOnlyProcess: true,
    environment: 'test',
    version: '0.0.0',
    clock: { now: () => now },
    logger: createLogger({ service: 'test', level: 'trace', stream: { write: (line) => void logLines.push(line) } }),
    metrics: createMetrics(),
  };
  const compose = (database: Database, isOnlyProcess = false) =>
    composeApp(config, { ...resources, database, isOnlyProcess }, lifecycle);
  const { app, feed, access, close } = compose(fixture.database, true);
  await access.start();

  return {
    db: fixture.db,
    database: fixture.database,
    logger: resources.logger,
    connection: fixture.connection,
    call: createCaller(app, keys.unbound),
    fetch: app.fetch,
    request: (path, init, bindings) => app.request(path, init, bindings),
    feed,
    embedder,
    async healEmbedder() {
      embedder.mood = 'well';
      await eventually(() => queryEmbedder.embed(['harmless'], { kind: 'query' }));
    },
    generation,
    notifications: queues.notifications,
    logLines,
    metrics: resources.metrics,
    readiness,
    appOver(database) {
      const over = compose(database).app;
      return { fetch: over.fetch, call: createCaller(over, keys.unbound) };
    },
    over: (database) => createCaller(compose(database).app, keys.unbound),
    async stop() {
      await feed.stop();
      await close();
      await fixture.stop();
    },
  };
}

/** As a fresh installation has it, but that nothing is limited that a test has not asked for, and nothing is waited for. */
function testConfig(options: TestApiOptions): ApiConfig {
  const config = toApiConfig(loadEnv(apiEnv, {}));
  return {
    ...config,
    apiKeys: [
      { key: keys.unbound, tenantId: undefined },
      { key: keys.acme, tenantId: 'acme' },
      { key: keys.globex, tenantId: 'globex' },
    ],
    rates: { address: undefined, key: undefined, tenant: undefined, ...options.rates },
    reads: { ...config.reads, shared: 8, ...options.reads },
    bodyMemory: { ...config.bodyMemory, ...options.bodyMemory },
    unreadAnswers: options.unreadAnswers ?? config.unreadAnswers,
    ingest: { writers: 2, maxQueuedBytes: options.maxQueuedBytes ?? config.ingest.maxQueuedBytes },
    importStallMs: options.importStallMs ?? 10_000,
    searchIndexBytes: options.searchIndexBytes ?? config.searchIndexBytes,
    requestTimeoutMs: options.requestTimeoutMs ?? config.requestTimeoutMs,
    retryBudgetMs: options.retryBudgetMs ?? config.retryBudgetMs,
    retentionWaitMs: options.retentionWaitMs ?? 0,
    notifierQuietMs: 0,
    allowedOrigins: [...(options.allowedOrigins ?? [])],
    audit: { ...config.audit, ...options.audit },
    trustedProxies: [...(options.trustedProxies ?? [])],
    health: { embedTimeoutMs: 100, embedCacheMs: 0 },
    rerank: { ...config.rerank, candidates: 10 },
    events: { ...config.events, pollMs: 20, maxStreams: 100, maxStreamsPerTenant: 10, ...options.events },
  };
}
