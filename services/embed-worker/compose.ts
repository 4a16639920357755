import type { Database } from '@memory-layer/shared/db/database';
import { whenDatabaseReady } from '@memory-layer/shared/db/database-gate';
import type { GuardedEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { createGenerationRepository } from '@memory-layer/shared/generation/generation.repository';
import { createGenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { createPendingMessagesRepository } from '@memory-layer/shared/ops/pending-messages.repository';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createEmbeddingJobNotifier } from '@memory-layer/shared/queue/embedding-job-notifier';
import type { Producer, QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { BatchingEmbedder } from './embedder/batching-embedder.ts';
import { CachedEmbedder } from './embedder/cached-embedder.ts';
import { Throughput } from './embedder/throughput.ts';
import { createBatchingWriter } from './batching-writer.ts';
import type { EmbedWorkerConfig } from './config.ts';
import { embedMessagesEvents, embedMessagesProcessor } from './embed-messages.processor.ts';
import { createEmbeddingRepository } from './embedding.repository.ts';
import { createEmbeddingService } from './embedding.service.ts';
import { LeaseRenewer } from './lease-renewer.ts';
import { createPendingSweeper } from './pending-sweeper.ts';
import { TenantJobLimiter } from './tenant-job-limiter.ts';
import {
  composeVectorIndexMaintainer,
  type VectorIndexResources,
} from './vector-index/compose-vector-index-maintainer.ts';

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
  const notifier = createEmbeddingJobNotifier({ producer: rotateDeduplicationIds(producer), metrics });
  const pendingMessages = createPendingMessagesRepository(db);
  metrics.watch.database(() => database.poolUse());
  metrics.watch.queue(embeddingQueue.name, () => producer.counts());
  metrics.watch.pending(() => pendingMessages.count());
  if (resources.readiness) metrics.watch.readiness(resources.readiness, database);
  const maintainer = composeVectorIndexMaintainer(resources, generations);
  const { passageEmbedder } = resources;
  const throughput = new Throughput();
  const batching = new BatchingEmbedder(passageEmbedder, { timeoutMs: passageEmbedder.timeoutMs, throughput });
  const service = createEmbeddingService({
    repository,
    writer: createBatchingWriter({ repository, onWritten: maintainer.noteWritten, logger }),
    limiter: new TenantJobLimiter(config.concurrency, throughput),
    leaseRenewer: new LeaseRenewer({ repository, leaseMs: config.leaseMs, logger }),
    embedder: new CachedEmbedder(batching, { maxEntries: cachedTexts }),
    probe: passageEmbedder,
    notifier,
    ...config,
    random: Math.random,
    logger,
    metrics,
  });
  const consumer = queues.createConsumer(
    embeddingQueue,
    { 'embed-messages': embedMessagesProcessor(service, logger) },
    { concurrency: config.concurrency, ...embedMessagesEvents(logger, metrics) },
  );
  const waitingJobs = async () => (await producer.counts()).waiting;
  const sweeper = createPendingSweeper({ repository, notifier, waitingJobs, everyMs: config.sweepMs, logger });

  return {
    id: 'embed-worker',
    /** Waits for the database, for as long as it takes. */
    async start() {
      // Before any work: vectors of two models in one generation could not be separated again.
      await whenDatabaseReady({ database, logger, signal: stopping.signal }, () => generations.start());
      if (resources.isOnlyWorker) await repository.releaseAll();
      await consumer.start();
      await sweeper.start();
      await maintainer.start();
      resources.readiness?.set('ready');
    },
    async stop() {
      resources.readiness?.set('draining');
      stopping.abort();
      await maintainer.stop();
      await sweeper.stop();
      await consumer.stop();
      await producer.close();
    },
  };
}

const rotatedIds = 4;
const rotatedEveryMs = 5000;

/**
 * Rotates the deduplication ids of jobs. A worker that dies between taking a job and reporting it to the queue leaves
 * an id that swallows every job of its tenant, until the queue notices after a minute. The next id lets a job through;
 * with few ids, few jobs of a tenant can wait.
 */
export function rotateDeduplicationIds(
  producer: Pick<Producer<typeof embeddingQueue>, 'add'>,
  now: () => number = Date.now,
): Pick<Producer<typeof embeddingQueue>, 'add'> {
  return {
    add(jobName, payload, options = {}) {
      const turn = Math.floor(now() / rotatedEveryMs) % rotatedIds;
      const { deduplicationId } = options;
      if (deduplicationId === undefined) return producer.add(jobName, payload, options);
      return producer.add(jobName, payload, { ...options, deduplicationId: `${deduplicationId}.w${turn}` });
    },
  };
}
