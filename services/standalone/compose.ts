import { join } from 'node:path';
import { composeApi, composeReranker, type Api } from '@memory-layer/api/compose';
import { composeEmbedWorker } from '@memory-layer/embed-worker/compose';
import type { EmbeddedPostgres } from '@memory-layer/embedded-postgres';
import { composeRetentionWorker } from '@memory-layer/retention-worker/compose';
import { Database } from '@memory-layer/shared/db/database';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { guardEmbedders } from '@memory-layer/shared/embedding/guard-embedders';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { EventLoopDelay } from '@memory-layer/shared/observability/event-loop-delay';
import type { LogOutput } from '@memory-layer/shared/observability/log-output';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import type { StandaloneConfig } from './config.ts';
import { hasRoomToRun } from './data-folder.ts';

export interface StandaloneResources {
  readonly postgres: EmbeddedPostgres;
  /** Unguarded: guards for queries and passages are put around it here. */
  readonly embedder: Embedder;
  /** Undefined when keys were configured. */
  readonly generatedKey: string | undefined;
  readonly version: string;
  readonly logger: Logger;
  /** Where the logger writes to. */
  readonly output: Pick<LogOutput, 'droppedLines'>;
}

export interface Standalone {
  readonly database: Database;
  readonly api: Api;
  /** In the order in which they start. */
  readonly components: readonly Component[];
}

// The engine runs one statement at a time, and everybody waits for it: one is prepared while another runs, and each is
// over after some milliseconds.
const embeddedWriting = { maxWriters: 2, maxRowsPerFlush: 128 };

/** Api, embed worker and retention worker in one process, over one embedded database. */
export function composeStandalone(config: StandaloneConfig, resources: StandaloneResources): Standalone {
  const { postgres, embedder, logger, output } = resources;
  const metrics = createMetrics();
  metrics.watch.droppedLines(() => output.droppedLines);
  metrics.watch.eventLoop(new EventLoopDelay());
  const database = new Database({
    connection: postgres.connection,
    // The engine runs one statement at a time: more connections only wait in it instead of here.
    poolSize: 10,
    acquireTimeoutMs: 10_000,
    // The net below deadlines. Waiting for the engine counts, too.
    statementTimeoutMs: 30_000,
    applicationName: 'memory-layer',
    onConnectionError: (error) => logger.warn({ err: error }, 'database connection lost'),
    hasRoom: () => hasRoomToRun(config.dataDir),
  });
  const queues = createQueueBackend({
    kind: 'postgres',
    connection: postgres.connection,
    timeoutMs: 5000,
    onError: (error) => logger.warn({ err: error }, 'queue connection'),
  });
  const guarded = guardEmbedders(embedder, config.embedding, metrics);
  const reranker = composeReranker(config.api, {
    cacheDir: join(config.dataDir, 'models'),
    embedding: config.embedding,
    metrics,
  });
  const shared = { database, queues, logger, metrics, clock: systemClock };

  const api = composeApi(config.api, {
    ...shared,
    replicas: undefined,
    queryEmbedder: guarded.query,
    reranker,
    rateStore: undefined,
    isOnlyProcess: true,
    writing: embeddedWriting,
    extraKeys: resources.generatedKey === undefined ? [] : [{ key: resources.generatedKey, tenantId: undefined }],
    environment: config.environment,
    version: resources.version,
  });
  const embedWorker = composeEmbedWorker(config.embedWorker, {
    ...shared,
    passageEmbedder: guarded.passage,
    isOnlyWorker: true,
  });
  const retentionWorker = composeRetentionWorker(config.retention, shared);
  return {
    database,
    api,
    components: [
      { id: 'embedded-postgres', start: async () => undefined, stop: () => postgres.stop() },
      database,
      queues,
      { id: 'embedder', start: () => embedder.start(), stop: () => embedder.stop() },
      ...(reranker === undefined
        ? []
        : [{ id: 'reranker', start: () => reranker.start(), stop: () => reranker.stop() }]),
      embedWorker,
      retentionWorker,
      api,
    ],
  };
}
