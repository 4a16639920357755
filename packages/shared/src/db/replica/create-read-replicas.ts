import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { DatabaseConfig } from '../database-config.ts';
import { Database } from '../database.ts';
import { ReadReplicas } from './read-replicas.ts';
import type { ReplicaConfig } from './replica-config.ts';

export interface ReplicaSurroundings {
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
  { database, logger, metrics, applicationName }: ReplicaSurroundings,
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
