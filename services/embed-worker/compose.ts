import type { Database } from '@memory-layer/shared/db/database';
import { whenDatabaseReady } from '@memory-layer/shared/db/database-gate';
import { createBatchingEmbedder } from '@memory-layer/shared/embedding/batching-embedder';
import { createCachedEmbedder } from '@memory-layer/shared/embedding/cached-embedder';
import type { GuardedEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService } from '@memory-layer/shared/generation/generation.service';
import { Throughput } from '@memory-layer/shared/embedding/throughput';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { jobLogFields } from '@memory-layer/shared/observability/job-log-fields';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { createPendingMessagesRepository } from '@memory-layer/shared/observability/pending-messages.repository';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createEmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import type { ConsumerEvents, QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { underTurningNames } from './bell-names.ts';
import type { EmbedWorkerConfig } from './config.ts';
import { embedMessagesProcessor } from './embed-messages.processor.ts';
import { createEmbeddingRepository } from './embedding.repository.ts';
import { createEmbeddingService } from './embedding.service.ts';
import { createGatheringRepository } from './gathering-repository.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { PendingSweeper } from './pending-sweeper.ts';
import { TenantTurns } from './tenant-turns.ts';
import { composeVectorIndexKeeper, type VectorIndexResources } from './vector-index/compose-vector-index-keeper.ts';

/** What the embed worker shares with other components of its process. */
export interface EmbedWorkerResources {
  readonly database: Database;
  readonly queues: QueueBackend;
  readonly passageEmbedder: GuardedEmbedder;
  /** True when no other process works on this database: leases found at start are then nobody's. */
  readonly isOnlyWorker: boolean;
  /** Set to ready once the worker takes jobs, to draining when it stops. */
  readonly readiness?: Readiness;
  /** Given where large tenants get an index: on a database server. */
  readonly vectorIndex?: VectorIndexResources;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

// Greetings and other texts that come again and again are embedded once.
const cachedTexts = 5000;

/**
 * Builds the embed worker: start it when database, queue and embedder are up. Its start throws a ConfigError when the
 * stored vectors are another model's.
 */
export function composeEmbedWorker(config: EmbedWorkerConfig, resources: EmbedWorkerResources): Component {
  const { database, queues, logger, metrics } = resources;
  const db = database.queries;
  const stopping = new AbortController();
  const repository = createEmbeddingRepository(db);
  const generations = createGenerationService({
    generations: createGenerationRepository(db),
    embedder: resources.passageEmbedder,
  });
  const producer = queues.createProducer(embeddingQueue);
  const bell = createEmbeddingBell({ producer: underTurningNames(producer), metrics });
  const pendingMessages = createPendingMessagesRepository(db);
  metrics.watch.database(() => database.poolUse());
  metrics.watch.queue(embeddingQueue.name, () => producer.counts());
  metrics.watch.pending(() => pendingMessages.count());
  if (resources.readiness) metrics.watch.readiness(resources.readiness, database);
  const keeper = composeVectorIndexKeeper(resources, generations);
  const { passageEmbedder } = resources;
  const throughput = new Throughput();
  const batching = createBatchingEmbedder(passageEmbedder, { timeoutMs: passageEmbedder.timeoutMs, throughput });
  const service = createEmbeddingService({
    repository: createGatheringRepository(keeper.watching(repository), logger),
    turns: new TenantTurns(config.concurrency, throughput),
    leases: new LeaseKeeper({ repository, leaseMs: config.leaseMs, logger }),
    embedder: createCachedEmbedder(batching, { maxEntries: cachedTexts }),
    probe: passageEmbedder,
    bell,
    ...config,
    random: Math.random,
    logger,
    metrics,
  });
  const consumer = queues.createConsumer(
    embeddingQueue,
    { 'embed-messages': embedMessagesProcessor(service, logger) },
    { concurrency: config.concurrency, ...jobEvents(logger, metrics) },
  );
  const waitingBells = async () => (await producer.counts()).waiting;
  const sweeper = new PendingSweeper({ repository, bell, waitingBells, everyMs: config.sweepMs, logger });

  return {
    id: 'embed-worker',
    /** Waits for the database, for as long as it takes. */
    async start() {
      // Before any work: vectors of two models in one generation could not be told apart again.
      await whenDatabaseReady({ database, logger, signal: stopping.signal }, () => generations.start());
      if (resources.isOnlyWorker) await repository.releaseAll();
      await consumer.start();
      await sweeper.start();
      await keeper.start();
      resources.readiness?.set('ready');
    },
    async stop() {
      resources.readiness?.set('draining');
      stopping.abort();
      await keeper.stop();
      await sweeper.stop();
      await consumer.stop();
      await producer.close();
    },
  };
}

function jobEvents(logger: Logger, metrics: Metrics): ConsumerEvents {
  const count = (status: 'completed' | 'failed', durationMs: number) => {
    metrics.embeddingJobs.inc({ status });
    metrics.embeddingJobSeconds.observe({ status }, durationMs / 1000);
  };
  return {
    onCompleted: (report) => count('completed', report.durationMs),
    onFailed: (report) => {
      count('failed', report.durationMs);
      metrics.jobsFailed.inc({ queue: embeddingQueue.name, reason: 'failed' });
      logger.error({ ...jobLogFields(report), willRetry: report.willRetry, err: report.error }, 'job failed');
    },
    onUnparseable: (report) => {
      metrics.jobsFailed.inc({ queue: embeddingQueue.name, reason: 'unparseable' });
      logger.error({ ...jobLogFields(report), err: report.error }, 'job not understood');
    },
    onHandedBack: (report) => logger.info(jobLogFields(report), 'job handed back'),
    onError: (error) => logger.warn({ err: error }, 'embedding queue'),
  };
}
