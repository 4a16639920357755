import { BlockList } from 'node:net';
import type { Database } from '@memory-layer/shared/db/database';
import type { Schema } from '@memory-layer/shared/db/schema';
import { CircuitBrokenEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService } from '@memory-layer/shared/generation/generation.service';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics, type Metrics } from '@memory-layer/shared/observability/metrics';
import { createPendingMessagesRepository } from '@memory-layer/shared/ops/pending-messages.repository';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import type { Kysely } from 'kysely';
import { QueryVectors } from '../search/query/query-vectors.ts';
import type { Reranker } from '../search/reranker/reranker.ts';
import { createBacklogReader } from '../admin/backlog.ts';
import { createHealthService } from '../admin/health.service.ts';
import { createApp } from '../app.ts';
import { composeWriter } from '../compose.ts';
import { createShares } from '../cost/shares.ts';
import type { BodyMemoryLimits } from '../cost/body-memory.ts';
import type { ConcurrencyLimits } from '../cost/tenant-concurrency-limiter.ts';
import type { UnreadAnswerLimits } from '../cost/unread-answers.ts';
import { createEmbeddingFailureRepository } from '../embedding-failure/embedding-failure.repository.ts';
import { createEmbeddingFailureService } from '../embedding-failure/embedding-failure.service.ts';
import { EventFeed, type EventFeedOptions } from '../events/event-feed.ts';
import { createEventRepository } from '../events/event.repository.ts';
import type { EventRoutesDeps } from '../events/event.routes.ts';
import { createKeyRing } from '../http/auth.ts';
import { createMessageRepository } from '../message/message.repository.ts';
import { createEmbeddingStatusRepository } from '../message/wait/embedding-status.repository.ts';
import { EmbeddingWaiter } from '../message/wait/embedding-waiter.ts';
import { createMessageService } from '../message/message.service.ts';
import { createMessageImportService } from '../message/import/message-import.service.ts';
import { TimeSlicer } from '../http/time-slicer.ts';
import type { RateLimiters } from '../rate-limit/rate-limiter.ts';
import { createRetentionRunRepository } from '../retention/retention-run.repository.ts';
import { RetentionRunWaiter } from '../retention/retention-run-waiter.ts';
import { createRetentionService, type RetentionServiceDeps } from '../retention/retention.service.ts';
import { createHitReranker } from '../search/hits/hit-reranker.ts';
import { createLexicalIndex } from '../search/plan/lexical-query.ts';
import { createDateReader } from '../search/query/date-terms.ts';
import { defaultWeights } from '../search/ranking/weights.ts';
import { createSearchService } from '../search/search.service.ts';
import { createSearchRepository } from '../search/sql/search.repository.ts';
import { createLexicalRepository } from '../search/stats/lexical.repository.ts';
import { createReadySegmentsRepository } from '../search/stats/ready-segments.repository.ts';
import { createSegmentDirectory } from '../search/stats/segment-directory.ts';
import { createCaller, type Call } from './call.ts';
import { WordEmbedder } from './word-embedder.ts';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';

/** The moment at which the tests take place. */
export const now = new Date('2026-03-01T12:00:00.000Z');

/** One key for all tenants, and one each for two of them. */
export const keys = {
  unbound: 'unbound-key-of-the-operator',
  acme: 'bound-key-of-tenant-acme',
  globex: 'bound-key-of-tenant-globex',
} as const;

export const limits = { maxBodyBytes: 1_048_576, maxBatchBodyBytes: 16_777_216, maxMetadataBytes: 65_536 } as const;

export const retryAfterBreakerMs = 50;
const queryTimeoutMs = 100;

export interface WorkerNotification {
  readonly tenantId: string;
  readonly generation: number;
  readonly requestId: string | undefined;
}

export interface TestApiOptions {
  /** What a retention worker would do when it is notified of a run. */
  readonly onRetentionRun?: (db: Kysely<Schema>, tenantId: string, runId: string) => Promise<void>;
  readonly retentionWaitMs?: number;
  readonly retryBudgetMs?: number;
  readonly requestTimeoutMs?: number;
  readonly allowedOrigins?: readonly string[];
  readonly rateLimiters?: RateLimiters;
  readonly unreadAnswers?: UnreadAnswerLimits;
  readonly reads?: Partial<ConcurrencyLimits>;
  readonly bodyMemory?: Partial<BodyMemoryLimits>;
  readonly maxQueuedBytes?: number;
  readonly importStallMs?: number;
  readonly stopping?: AbortSignal;
  readonly reranker?: Reranker;
  readonly events?: Partial<Pick<EventRoutesDeps, 'heartbeatMs'>> &
    Partial<Pick<EventFeedOptions, 'maxStreams' | 'maxStreamsPerTenant' | 'maxStreamsPerKey'>>;
}

export interface TestApi {
  readonly db: Kysely<Schema>;
  readonly connection: TestDatabase['connection'];
  readonly call: Call;
  readonly embedder: WordEmbedder;
  readonly generation: number;
  /** Every notification of the embed workers. */
  readonly notifications: WorkerNotification[];
  /** Every line that was logged, at any level. */
  readonly logLines: string[];
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** For a listener. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly feed: EventFeed;
  /** The same api over another database, for a listener. */
  appOver(database: Database): Pick<TestApi, 'fetch' | 'call'>;
  /** The same api over another database: one that is away, for instance. */
  over(database: Database): Call;
  stop(): Promise<void>;
}

/** The api without a listener: real services over a database of its own, a model made of arithmetic, no queue. */
export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const fixture = await startTestDatabase();
  const embedder = new WordEmbedder();
  const queryEmbedder = new CircuitBrokenEmbedder(embedder, {
    name: 'query',
    timeoutMs: queryTimeoutMs,
    failureThreshold: 2,
    resetTimeoutMs: retryAfterBreakerMs,
  });
  const generations = createGenerationService({
    generations: createGenerationRepository(fixture.db),
    embedder: queryEmbedder,
  });
  const { generation } = await generations.start();
  const readiness = new Readiness();
  readiness.set('ready');
  const shared = { generations, queryEmbedder, readiness, metrics: createMetrics(), options, ...createRecords() };
  const { app, feed } = composeTestApp(fixture.database, shared);

  return {
    db: fixture.db,
    connection: fixture.connection,
    call: createCaller(app, keys.unbound),
    fetch: app.fetch,
    feed,
    embedder,
    generation,
    notifications: shared.notifications,
    logLines: shared.logLines,
    metrics: shared.metrics,
    readiness,
    appOver(database) {
      const over = composeTestApp(database, shared).app;
      return { fetch: over.fetch, call: createCaller(over, keys.unbound) };
    },
    over: (database) => createCaller(composeTestApp(database, shared).app, keys.unbound),
    async stop() {
      await feed.stop();
      await fixture.stop();
    },
  };
}

function createRecords() {
  const notifications: WorkerNotification[] = [];
  const logLines: string[] = [];
  return {
    notifications,
    logLines,
    logger: createLogger({ service: 'test', level: 'trace', stream: { write: (line) => void logLines.push(line) } }),
  };
}

interface Shared extends ReturnType<typeof createRecords> {
  readonly generations: ReturnType<typeof createGenerationService>;
  readonly queryEmbedder: CircuitBrokenEmbedder;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly options: TestApiOptions;
}

function composeTestApp(database: Database, shared: Shared) {
  const { generations, queryEmbedder, readiness, metrics, logger, notifications, options } = shared;
  const db = database.queries;
  const clock = { now: () => now };
  const notify: RetentionServiceDeps['notify'] = async (tenantId, runId) =>
    options.onRetentionRun?.(db, tenantId, runId);
  const limitsOfStreams = {
    pollMs: 20,
    maxStreams: 100,
    maxStreamsPerTenant: 10,
    maxStreamsPerKey: 100,
    ...options.events,
  };
  const feed = new EventFeed({ log: createEventRepository(db), ...limitsOfStreams, logger, metrics });
  const slicer = new TimeSlicer();
  const messages = createMessageService({
    messages: createMessageRepository(db),
    writer: composeWriter(
      { ingest: { writers: 2, maxQueuedBytes: options.maxQueuedBytes ?? 67_108_864 } },
      { database, logger },
    ),
    notifyWorkers: (tenantId, generation, requestId) => void notifications.push({ tenantId, generation, requestId }),
    waiter: new EmbeddingWaiter({ statuses: createEmbeddingStatusRepository(db), logger }),
    activeGeneration: () => generations.getActive().generation,
    clock,
    slicer,
    metrics,
  });
  const searchRepository = createSearchRepository(database);
  const retentionRuns = createRetentionRunRepository(db);
  const app = createApp({
    messages,
    slicer,
    imports: {
      service: createMessageImportService({ messages }),
      stallMs: options.importStallMs ?? 10_000,
      stopping: options.stopping ?? new AbortController().signal,
      linesPerGroup: 128,
      groupsAtOnce: 4,
    },
    search: createSearchService({
      repository: searchRepository,
      readCandidates: (work) => work(searchRepository),
      generations,
      hitReranker:
        options.reranker && createHitReranker({ reranker: options.reranker, candidates: 10, logger, metrics }),
      queryVectors: new QueryVectors({ embedder: queryEmbedder, generations, maxCacheBytes: 1_048_576, metrics }),
      lexicalIndex: createLexicalIndex({
        repository: createLexicalRepository(db),
        clock,
        onError: (error) => logger.error({ err: error }),
      }),
      segments: createSegmentDirectory({
        repository: createReadySegmentsRepository(db),
        clock,
        onError: (error) => logger.error({ err: error }),
      }),
      partitions: new TenantPartitions(db),
      readDates: createDateReader([]),
      weights: defaultWeights,
      halfLifeDays: 7,
      clock,
      logger,
      metrics,
    }),
    retention: createRetentionService({
      runs: retentionRuns,
      waiter: new RetentionRunWaiter({ runs: retentionRuns, logger }),
      notify,
      waitMs: options.retentionWaitMs ?? 0,
      logger,
    }),
    embeddingFailures: createEmbeddingFailureService({
      failures: createEmbeddingFailureRepository(db),
      notifier: {
        notify: (tenantId, generation, requestId) => void notifications.push({ tenantId, generation, requestId }),
      },
      activeGeneration: () => generations.getActive().generation,
      retryBudgetMs: options.retryBudgetMs ?? 5000,
    }),
    events: { feed, heartbeatMs: 15_000, ...options.events },
    health: {
      readBacklog: createBacklogReader({
        messages: () => createPendingMessagesRepository(db).count(),
        embeddingJobs: async () => ({ waiting: 1, active: 2, delayed: 3, failed: 4 }),
        retentionJobs: () => Promise.reject(new Error('the queue is away')),
      }),
      service: createHealthService({
        database,
        queue: { health: async () => ({ status: 'ok' }) },
        replicas: undefined,
        probeEmbedding: async () => 'ok',
        embedTimeoutMs: 100,
        embedCacheMs: 0,
        readiness,
        clock,
      }),
      environment: 'test',
      version: '0.0.0',
    },
    keys: createKeyRing([
      { key: keys.unbound, tenantId: undefined },
      { key: keys.acme, tenantId: 'acme' },
      { key: keys.globex, tenantId: 'globex' },
    ]),
    limits,
    metricsEnabled: true,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    allowedOrigins: options.allowedOrigins ?? [],
    rateLimiters: options.rateLimiters ?? {},
    ...createShares(
      {
        reads: { perTenant: 8, shared: 8, queuePerTenant: 100, total: 16, queueTotal: 1000, ...options.reads },
        bodyMemory: { perKey: 67_108_864, total: 268_435_456, ...options.bodyMemory },
        ...(options.unreadAnswers === undefined ? {} : { unreadAnswers: options.unreadAnswers }),
      },
      metrics,
    ),
    trustedProxies: new BlockList(),
    logger,
    metrics,
  });
  return { app, feed };
}
