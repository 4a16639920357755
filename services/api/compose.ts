import type { BlockList } from 'node:net';
import type { Database } from '@memory-layer/shared/db/database';
import { whenDatabaseReady } from '@memory-layer/shared/db/database-gate';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService, type GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Exposition } from '@memory-layer/shared/ops/ops-server';
import { createPendingMessagesRepository } from '@memory-layer/shared/ops/pending-messages.repository';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { embeddingQueue, retentionQueue } from '@memory-layer/shared/queue/catalog';
import { createEmbeddingJobNotifier } from '@memory-layer/shared/queue/embedding-job-notifier';
import type { Producer, QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { createRetentionPolicyRepository } from '@memory-layer/shared/retention/retention-policy.repository';
import { createShares } from './cost/shares.ts';
import type { ReadReplicas } from './replica/read-replicas.ts';
import { AuditRecorder } from './audit/audit-recorder.ts';
import { createAuditRepository } from './audit/audit.repository.ts';
import { createBacklogReader } from './admin/backlog.ts';
import { createHealthService, probeEmbedder } from './admin/health.service.ts';
import { createApp } from './app.ts';
import { composeSearch } from './compose-search.ts';
import type { ApiConfig } from './config.ts';
import { createEmbeddingFailureRepository } from './embedding-failure/embedding-failure.repository.ts';
import { createEmbeddingFailureService } from './embedding-failure/embedding-failure.service.ts';
import { EventFeed } from './events/event-feed.ts';
import { createEventRepository } from './events/event.repository.ts';
import type { ApiKey } from './keys/environment-keys.ts';
import { composeAccess } from './compose-access.ts';
import { HttpServer } from './http/http-server.ts';
import { isTrusted, toBlockList } from './rate-limit/client-address.ts';
import { createRateLimiters, type RateStore } from './rate-limit/rate-limiter.ts';
import { createMessageRepository } from './message/message.repository.ts';
import { createEmbeddingStatusRepository } from './message/wait/embedding-status.repository.ts';
import { EmbeddingWaiter } from './message/wait/embedding-waiter.ts';
import { createMessageService } from './message/message.service.ts';
import { createDueCounter } from './message/import/due-counter.ts';
import { createMessageImportService, importLimits } from './message/import/message-import.service.ts';
import { createMessageWriteRepository } from './message/ingest/message-write.repository.ts';
import { TimeSlicer } from './http/time-slicer.ts';
import { MessageWriter } from './message/ingest/message-writer.ts';
import { createRetentionRunRepository } from './retention/retention-run.repository.ts';
import { RetentionRunWaiter } from './retention/retention-run-waiter.ts';
import { createRetentionService } from './retention/retention.service.ts';
import { rerankerFromConfig, type RerankerDeps } from './search/reranker/reranker-from-config.ts';
import type { Reranker } from './search/reranker/reranker.ts';
import { createSearchLanguageReindexer } from './search/language/search-language-reindexer.ts';
import { createSearchLanguageRepository } from './search/language/search-language.repository.ts';

/** What the api shares with other components of its process. The caller starts and stops them. */
export interface ApiResources {
  readonly database: Database;
  /** Where searches look for candidates; undefined: in the database itself. */
  readonly replicas: ReadReplicas | undefined;
  readonly queues: Pick<QueueBackend, 'createProducer' | 'health'>;
  /** For queries; guarded by a timeout and a circuit breaker, not cached. */
  readonly queryEmbedder: Embedder;
  /** For the best hits; guarded likewise. Undefined: hits are not reranked. */
  readonly reranker: Reranker | undefined;
  /** Where rate limits are counted for all processes; undefined: in this process alone. */
  readonly rateStore: RateStore | undefined;
  /** Keys besides the configured ones: the generated one of the embedded mode. */
  readonly extraKeys: readonly ApiKey[];
  /** Whether no other process has this database. */
  readonly isOnlyProcess: boolean;
  /** Limits that override the configuration, where the database runs one statement at a time. */
  readonly writing?: { readonly maxWriters: number; readonly maxRowsPerFlush: number };
  /** What GET /metrics answers; the metrics of this process when not given. */
  readonly exposition?: Exposition | undefined;
  /** How this process stands to others that share its port; undefined: it is alone. */
  readonly among?: AmongProcesses;
  readonly environment: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** One of several processes on one port. */
export interface AmongProcesses {
  /** Others answer meanwhile: connections that it cannot serve yet are theirs. */
  readonly listensWhenReady: boolean;
  /** Another one shows how much waits in queue and database. */
  readonly leavesBacklog: boolean;
}

export interface Api extends Component {
  readonly readiness: Readiness;
  /** Where it listens, once started. */
  readonly url: string;
  /** Before it stops: see {@link HttpServer.linger}. */
  linger(graceMs: number): Promise<void>;
}

/** Builds the api: start it when database and queue are up. */
export function composeApi(config: ApiConfig, resources: ApiResources): Api {
  const { database, queryEmbedder, logger, metrics } = resources;
  const readiness = new Readiness();
  const stopping = new AbortController();
  const generations = createGenerationService({
    generations: createGenerationRepository(database.queries),
    embedder: queryEmbedder,
  });
  const { app, feed, access, watch, endWaits, close } = composeApp(config, resources, {
    readiness,
    generations,
    stopping: stopping.signal,
  });
  watch();
  const searchLanguage = createSearchLanguageReindexer({
    languages: createSearchLanguageRepository(database.queries),
    language: config.searchLanguage,
    // How often it is asked whether a message is left that is indexed by the words of another language.
    everyMs: 30_000,
    logger,
  });
  const server = createHttpServer(app, config, { readiness, proxies: toBlockList(config.trustedProxies), metrics });

  return {
    id: 'api',
    get url() {
      return server.url;
    },
    readiness,
    linger: (graceMs) => server.linger(graceMs),
    /** Listens at once, answering 503, and is ready when the database is. */
    async start() {
      const listensWhenReady = resources.among?.listensWhenReady === true;
      await feed.start();
      if (!listensWhenReady) await server.start();
      await whenDatabaseReady({ database, logger, signal: stopping.signal }, async () => {
        await generations.start();
        await searchLanguage.start();
        await access.start();
      });
      readiness.set('ready');
      if (listensWhenReady) await server.start();
    },
    async stop() {
      stopping.abort();
      endWaits();
      await searchLanguage.stop();
      // Streams do not end before they are aborted: the server waits for them.
      await Promise.all([feed.stop(), server.stop()]);
      await close();
    },
  };
}

/** What an app needs from the one who starts and stops it. */
export interface AppLifecycle {
  readonly readiness: Readiness;
  /** Started before the app answers. */
  readonly generations: GenerationService;
  /** Aborted when the api begins to stop. */
  readonly stopping: AbortSignal;
}

/** All of the api that is behind the listener. */
export function composeApp(
  config: ApiConfig,
  resources: ApiResources,
  { readiness, generations, stopping }: AppLifecycle,
) {
  const { database, queues, queryEmbedder, clock, logger, metrics } = resources;
  const db = database.queries;
  const embeddingProducer = queues.createProducer(embeddingQueue);
  const retentionProducer = queues.createProducer(retentionQueue);
  const { notifierQuietMs: quietMs } = config;
  const notifier = createEmbeddingJobNotifier({ producer: embeddingProducer, metrics, quietMs });
  const partitions = new TenantPartitions(db);
  const pendingMessages = createPendingMessagesRepository(db);

  const access = composeAccess(config, resources);
  const shares = createShares(config, metrics);
  const slicer = new TimeSlicer(shares.readLimiter.hasOthers);
  const writer = composeWriter(config, resources, shares.readLimiter.hasOthers);
  const feed = new EventFeed({ log: createEventRepository(db), ...config.events, logger, metrics });
  const waiter = new EmbeddingWaiter({ statuses: createEmbeddingStatusRepository(db), logger });
  const runWaiter = new RetentionRunWaiter({ runs: createRetentionRunRepository(db), logger });
  const audit = createAuditRepository(db);
  const auditRecorder = new AuditRecorder({ append: audit.append, logger, metrics });
  const messages = createMessageService({
    messages: createMessageRepository(db, partitions),
    writer,
    onStored: (tenantId, bytes) => access.meter.add(tenantId, bytes),
    notifyWorkers: (tenantId, generation, requestId) => notifier.notify(tenantId, generation, requestId),
    waiter,
    activeGeneration: () => generations.getActive().generation,
    clock,
    slicer,
    metrics,
  });
  const { search, indexes } = composeSearch(config, resources, { generations, partitions });
  const app = createApp({
    messages,
    slicer,
    imports: {
      service: createMessageImportService({ messages }),
      stallMs: config.importStallMs,
      dueCounter: () =>
        createDueCounter({ policies: createRetentionPolicyRepository(db), ...config.retention, clock, logger }),
      stopping,
      ...importLimits(config.ingest.writers, resources.writing),
    },
    search,
    retention: composeRetention(config, resources, { producer: retentionProducer, waiter: runWaiter }),
    embeddingFailures: createEmbeddingFailureService({
      failures: createEmbeddingFailureRepository(db),
      notifier,
      activeGeneration: () => generations.getActive().generation,
      retryBudgetMs: config.retryBudgetMs,
    }),
    events: { feed, ...config.events },
    audit: { ...config.audit, recorder: auditRecorder, list: audit.list },
    health: {
      readBacklog: createBacklogReader({
        messages: () => pendingMessages.count(),
        embeddingJobs: () => embeddingProducer.counts(),
        retentionJobs: () => retentionProducer.counts(),
      }),
      service: createHealthService({
        database,
        queue: queues,
        replicas: resources.replicas,
        probeEmbedding: () => probeEmbedder(queryEmbedder),
        ...config.health,
        readiness,
        clock,
      }),
      retention: config.retention,
      environment: resources.environment,
      version: resources.version,
    },
    keys: access.callers,
    apiKeys: access.apiKeys,
    tenants: access.tenants,
    tenantService: access.tenantService,
    limits: config,
    metricsEnabled: config.metricsEnabled,
    requestTimeoutMs: config.requestTimeoutMs,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: toBlockList(config.trustedProxies),
    rateLimiters: createRateLimiters(config.rates, resources.rateStore),
    ...shares,
    logger,
    metrics,
    exposition: resources.exposition,
  });

  return {
    app,
    feed,
    access,
    /** Lets the metrics show how the app stands. */
    watch: (): void => {
      metrics.watch.readiness(readiness, database);
      metrics.watch.database(() => database.poolUse());
      metrics.watch.tenantIndexes(() => indexes.state);
      if (resources.among?.leavesBacklog === true) return;
      metrics.watch.queue(embeddingQueue.name, () => embeddingProducer.counts());
      metrics.watch.queue(retentionQueue.name, () => retentionProducer.counts());
      metrics.watch.pending(() => pendingMessages.count());
    },
    /** Answers the requests that wait for a worker. */
    endWaits: (): void => {
      waiter.close();
      runWaiter.close();
    },
    /** After the last request. */
    close: async (): Promise<void> => {
      await indexes.stop();
      await writer.close();
      await access.stop();
      await auditRecorder.close();
      await Promise.all([embeddingProducer.close(), retentionProducer.close()]);
    },
  };
}

/**
 * The configured reranker, not started; undefined when none is configured.
 *
 * @throws ConfigError when the provider needs a variable that is not set.
 */
export function composeReranker(config: Pick<ApiConfig, 'rerank'>, deps: RerankerDeps): Reranker | undefined {
  return rerankerFromConfig(config.rerank, deps);
}

function composeRetention(
  config: ApiConfig,
  { database, logger }: ApiResources,
  { producer, waiter }: { producer: Producer<typeof retentionQueue>; waiter: RetentionRunWaiter },
) {
  return createRetentionService({
    runs: createRetentionRunRepository(database.queries),
    waiter,
    notify: (tenantId, runId) => producer.add('run-retention', { v: 1, tenantId, runId }, { deduplicationId: runId }),
    // The rest of the request has the last second: a run that was asked for is never answered with 504.
    waitMs: Math.max(0, Math.min(config.retentionWaitMs, config.requestTimeoutMs - 1000)),
    logger,
  });
}

function composeWriter(
  config: Pick<ApiConfig, 'ingest'>,
  { database, logger, writing }: Pick<ApiResources, 'database' | 'logger' | 'writing'>,
  hasOthers: (tenantId: string) => boolean,
): MessageWriter {
  const repository = createMessageWriteRepository(database.queries, {
    onRefusedRow: (error) => logger.error({ err: error }, 'the database refuses a message that passed all checks'),
  });
  return new MessageWriter({
    repository,
    ...config.ingest,
    ...(writing && {
      writers: Math.min(config.ingest.writers, writing.maxWriters),
      maxRowsPerFlush: writing.maxRowsPerFlush,
      hasOthers,
    }),
  });
}

function createHttpServer(
  { fetch }: ReturnType<typeof createApp>,
  { host, port, connections: limits }: ApiConfig,
  { readiness, proxies, metrics }: Pick<ApiResources, 'metrics'> & { readiness: Readiness; proxies: BlockList },
): HttpServer {
  return new HttpServer({
    fetch,
    host,
    port,
    readiness,
    limits,
    isProxy: (address) => isTrusted(address, proxies),
    onClose: (reason) => metrics.connectionsClosed.inc({ reason }),
  });
}
