import { Database } from '@memory-layer/shared/db/database';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { ServiceConfig } from '@memory-layer/shared/process/service-config';
import type { VectorIndexConfig } from './vector-index-config.ts';
import { createVectorIndexMaintainer, type VectorIndexMaintainer } from './vector-index-maintainer.ts';

export interface VectorIndexResources {
  readonly config: VectorIndexConfig;
  /** The maintainer opens a connection of its own. */
  readonly connection: ServiceConfig['database'];
}

/** The maintainer of vector indexes, or one that does nothing where there are none. */
export function composeVectorIndexMaintainer(
  resources: {
    readonly vectorIndex?: VectorIndexResources;
    readonly database: Database;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
  generations: Pick<GenerationService, 'getActive'>,
): Pick<VectorIndexMaintainer, 'start' | 'stop' | 'noteWritten'> {
  const { vectorIndex, database, logger, metrics } = resources;
  if (vectorIndex === undefined || !vectorIndex.config.isOn) {
    return { start: async () => undefined, stop: async () => undefined, noteWritten: () => undefined };
  }
  const { url, ...pool } = vectorIndex.connection;
  const own = new Database({
    connection: { connectionString: url },
    ...pool,
    poolSize: 1,
    applicationName: 'memory-layer vector-index',
    onConnectionError: (error) => logger.warn({ err: error }, 'vector index connection lost'),
  });
  const maintainer = createVectorIndexMaintainer({
    config: vectorIndex.config,
    database: own,
    db: database.queries,
    partitions: new TenantPartitions(database.queries),
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
    start: () => maintainer.start(),
    async stop() {
      await maintainer.stop();
      await own.stop();
    },
    noteWritten: maintainer.noteWritten,
  };
}
