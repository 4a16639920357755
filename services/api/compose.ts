import type { Database } from '@memory-layer/shared/db/database';
import { whenDatabaseReady } from '@memory-layer/shared/db/database-gate';
import { createCachedEmbedder } from '@memory-layer/shared/embedding/cached-embedder';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { createPendingMessagesRepository } from '@memory-layer/shared/observability/pending-messages.repository';
import { embeddingQueue, retentionQueue } from '@memory-layer/shared/queue/catalog';
import { createEmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import type { QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { createBacklogReader } from './admin/backlog.ts';
import { createHealthService } from './admin/health.service.ts';
import { createApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import { createEmbeddingFailureRepository } from './embedding-failure/embedding-failure.repository.ts';
import { createEmbeddingFailureService } from './embedding-failure/embedding-failure.service.ts';
import { EventFeed } from './events/event-feed.ts';
import { createEventRepository } from './events/event.repository.ts';
import { createKeyRing, type ApiKey } from './http/api-key.ts';
import { HttpServer } from './http/http-server.ts';
import { toBlockList } from './rate-limit/client-address.ts';
import { createRateLimiters, type RateStore } from './rate-limit/rate-limiter.ts';
import { createMessageRepository } from './message/message.repository.ts';
import { createEmbeddingStatusRepository } from './message-wait/embedding-status.repository.ts';
import { createEmbeddingWaiter } from './message-wait/embedding-waiter.ts';
import { createMessageService } from './message/message.service.ts';
import { createMessageImportService } from './message/import/message-import.service.ts';
import { createMessageWriteRepository } from './message/write/message-write.repository.ts';
import { MessageWriter } from './message/write/message-writer.ts';
import { createRetentionRunRepository } from './retention/retention-run.repository.ts';
import { createRetentionService } from './retention/retention.service.ts';
import { defaultWeights } from './search/ranking.ts';
import { createSearchRepository } from './search/search.repository.ts';
import { createSearchService } from './search/search.service.ts';

/** What the api shares with other components of its process. Whoever made them starts and stops them. */
export interface ApiResources {
  readonly database: Database;
  readonly queues: QueueBackend;
  /** For queries; guarded by a timeout and a circuit breaker, not cached. */
  readonly queryEmbedder: Embedder;
  /** Where rate limits are counted for all processes; undefined: in this process alone. */
  readonly rateStore: RateStore | undefined;
  /** Keys besides the configured ones: the generated one of the embedded mode. */
  readonly extraKeys: readonly ApiKey[];
  readonly environment: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Api extends Component {
  readonly readiness: Readiness;
  /** Where it listens, once started. */
  readonly url: string;
}

const cachedQueries = 5000;
// Under load a tenant's workers are told twenty times a second, not with every message.
const bellQuietMs = 50;

/** Builds the api: start it when database and queue are up. */
export function composeApi(config: ApiConfig, resources: ApiResources): Api {
  const { database, queues, queryEmbedder, clock, logger, metrics } = resources;
  const db = database.queries;
  const readiness = new Readiness();
  const stopping = new AbortController();
  const generations = createGenerationService({
    generations: createGenerationRepository(db),
    embedder: queryEmbedder,
  });
  const embeddingProducer = queues.createProducer(embeddingQueue);
  const retentionProducer = queues.createProducer(retentionQueue);
  const bell = createEmbeddingBell({ producer: embeddingProducer, metrics, quietMs: bellQuietMs });
  const pendingMessages = createPendingMessagesRepository(db);
  metrics.watch.readiness(readiness, database);
  metrics.watch.database(() => database.poolUse());
  metrics.watch.queue(embeddingQueue.name, () => embeddingProducer.counts());
  metrics.watch.queue(retentionQueue.name, () => retentionProducer.counts());
  metrics.watch.pending(() => pendingMessages.count());

  const writer = new MessageWriter({ repository: createMessageWriteRepository(db), ...config.ingest });
  const feed = new EventFeed({ log: createEventRepository(db), ...config.events, logger, metrics });
  const waiter = createEmbeddingWaiter({ statuses: createEmbeddingStatusRepository(db), logger });
  const messages = createMessageService({
    messages: createMessageRepository(db),
    writer,
    bell,
    waiter,
    activeGeneration: () => generations.getActive().generation,
    clock,
    metrics,
  });
  const app = createApp({
    messages,
    imports: {
      service: createMessageImportService({ messages }),
      stallMs: config.importStallMs,
      stopping: stopping.signal,
    },
    search: createSearchService({
      repository: createSearchRepository(db),
      generations,
      queryEmbedder: createCachedEmbedder(queryEmbedder, { maxEntries: cachedQueries }),
      weights: defaultWeights,
      halfLifeDays: config.decayHalfLifeDays,
      clock,
      logger,
      metrics,
    }),
    retention: createRetentionService({
      runs: createRetentionRunRepository(db),
      ring: (tenantId, runId) =>
        retentionProducer.add('run-retention', { v: 1, tenantId, runId }, { deduplicationId: runId }),
      waitMs: config.retentionWaitMs,
      logger,
    }),
    embeddingFailures: createEmbeddingFailureService({
      failures: createEmbeddingFailureRepository(db),
      bell,
      activeGeneration: () => generations.getActive().generation,
      retryBudgetMs: config.requestTimeoutMs / 3,
    }),
    events: { feed, ...config.events },
    health: {
      readBacklog: createBacklogReader({
        messages: () => pendingMessages.count(),
        embeddingJobs: () => embeddingProducer.counts(),
        retentionJobs: () => retentionProducer.counts(),
      }),
      service: createHealthService({
        database,
        queue: queues,
        probeEmbedding: () => probeEmbedding(queryEmbedder),
        ...config.health,
        readiness,
        clock,
      }),
      environment: resources.environment,
      version: resources.version,
    },
    keys: createKeyRing([...config.apiKeys, ...resources.extraKeys]),
    limits: config,
    metricsEnabled: config.metricsEnabled,
    requestTimeoutMs: config.requestTimeoutMs,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: toBlockList(config.trustedProxies),
    rateLimiters: createRateLimiters(config.rates, resources.rateStore),
    logger,
    metrics,
  });
  const server = new HttpServer({ fetch: app.fetch, host: config.host, port: config.port, readiness });

  return {
    id: 'api',
    get url() {
      return server.url;
    },
    readiness,
    /** Listens at once, answering 503, and is ready when the database is. */
    async start() {
      await feed.start();
      await server.start();
      await whenDatabaseReady({ database, logger, signal: stopping.signal }, () => generations.start());
      readiness.set('ready');
    },
    async stop() {
      stopping.abort();
      waiter.close();
      // Streams end by themselves only when they are told to: the server waits for them.
      await Promise.all([feed.stop(), server.stop()]);
      await writer.close();
      await Promise.all([embeddingProducer.close(), retentionProducer.close()]);
    },
  };
}

async function probeEmbedding(embedder: Embedder): Promise<'ok' | 'failed'> {
  try {
    await embedder.embed(['healthcheck'], { kind: 'query' });
    return 'ok';
  } catch {
    return 'failed';
  }
}
