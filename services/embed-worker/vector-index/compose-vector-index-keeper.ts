import { Database } from '@memory-layer/shared/db/database';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { ServiceConfig } from '@memory-layer/shared/service/service-config';
import type { EmbeddingRepository } from '../embedding.repository.ts';
import type { VectorIndexConfig } from './vector-index-config.ts';
import { createVectorIndexKeeper, type VectorIndexKeeper } from './vector-index-keeper.ts';

export interface VectorIndexResources {
  readonly config: VectorIndexConfig;
  /** The keeper opens a connection of its own. */
  readonly connection: ServiceConfig['database'];
}

export interface WatchingKeeper {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The repository, with the keeper told of what it writes. */
  watching(repository: EmbeddingRepository): EmbeddingRepository;
}

/** The keeper of vector indexes, or one that does nothing where there are none. */
export function composeVectorIndexKeeper(
  resources: {
    readonly vectorIndex?: VectorIndexResources;
    readonly database: Database;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
  generations: Pick<GenerationService, 'getActive'>,
): WatchingKeeper {
  const { vectorIndex, database, logger, metrics } = resources;
  if (vectorIndex === undefined || !vectorIndex.config.isOn) {
    return { start: async () => undefined, stop: async () => undefined, watching: (repository) => repository };
  }
  const { url, ...pool } = vectorIndex.connection;
  const own = new Database({
    connection: { connectionString: url },
    ...pool,
    poolSize: 1,
    applicationName: 'memory-layer vector-index',
    onConnectionError: (error) => logger.warn({ err: error }, 'vector index connection lost'),
  });
  const keeper = createVectorIndexKeeper({
    config: vectorIndex.config,
    database: own,
    db: database.queries,
    generation: generations.getActive,
    clock: systemClock,
    logger,
    events: {
      built(seconds, vectors) {
        metrics.vectorIndexBuilds.inc({ outcome: 'completed' });
        metrics.vectorIndexBuildSeconds.observe(seconds);
        metrics.vectorIndexedVectors.inc(vectors);
      },
      failed: () => metrics.vectorIndexBuilds.inc({ outcome: 'failed' }),
      longestTail: (vectors) => metrics.vectorIndexTail.set(vectors),
    },
  });
  return {
    start: () => keeper.start(),
    async stop() {
      await keeper.stop();
      await own.stop();
    },
    watching: (repository) => watching(repository, keeper),
  };
}

function watching(repository: EmbeddingRepository, keeper: VectorIndexKeeper): EmbeddingRepository {
  return {
    ...repository,
    async complete(batches) {
      const written = await repository.complete(batches);
      for (const [index, { work }] of batches.entries()) keeper.noteWritten(work.tenantId, written[index] ?? 0);
      return written;
    },
  };
}
