import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { DatabaseConfig } from '@memory-layer/shared/db/database-config';
import { Database } from '@memory-layer/shared/db/database';
import { ReadReplicas } from './read-replicas.ts';
import type { ReplicaConfig } from './replica-config.ts';

export interface ReplicaDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

/** The replicas that are configured, with pools like the primary's; undefined when there are none. Not started. */
export function createReadReplicas(
  config: ReplicaConfig,
  { url: primaryUrl, ...pool }: DatabaseConfig,
  { database, logger, metrics, applicationName }: ReplicaDeps,
): ReadReplicas | undefined {
  if (config.urls.length === 0) return undefined;
  return new ReadReplicas({
    ...config,
    primary: database,
    primaryUrl,
    open: (url) =>
      new Database({
        connection: { connectionString: url },
        ...pool,
        applicationName,
        onConnectionError: (error) => logger.warn({ err: error }, 'connection to a read replica lost'),
      }),
    logger,
    metrics,
  });
}
