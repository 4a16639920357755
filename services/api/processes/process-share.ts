import { deepFreeze, invalidConfiguration } from '@memory-layer/shared/config/load-config';
import type { DatabaseConfig } from '@memory-layer/shared/db/database-config';
import type { ApiConfig } from '../config.ts';
import type { Rate } from '../rate-limit/rate.ts';

/**
 * The connections of one of several processes: together they have no more than is configured.
 *
 * @throws ConfigError when there are fewer connections than processes.
 */
export function shareOfPools(config: DatabaseConfig, processes: number): DatabaseConfig {
  const { poolSize, preparedPoolSize } = config;
  const tooFew = [
    ...(poolSize < processes ? ['MEMORY_DATABASE_POOL_SIZE'] : []),
    ...(preparedPoolSize > 0 && preparedPoolSize < processes ? ['MEMORY_DATABASE_PREPARED_POOL_SIZE'] : []),
  ];
  if (tooFew.length > 0) {
    throw invalidConfiguration(
      tooFew.map((name) => `${name}: must be at least ${processes}, a connection for each of MEMORY_API_PROCESSES`),
    );
  }
  return deepFreeze({
    ...config,
    poolSize: Math.floor(poolSize / processes),
    preparedPoolSize: Math.floor(preparedPoolSize / processes),
  });
}

/**
 * The limits of one of several processes: an equal part of each, at least one.
 *
 * @param countsAlone whether this process counts requests for itself, and not in a store of all.
 */
export function shareOfLimits(
  config: ApiConfig,
  processes: number,
  { countsAlone }: { countsAlone: boolean },
): ApiConfig {
  const share = (limit: number): number => Math.ceil(limit / processes);
  const { connections, rates, reads, bodyMemory, unreadAnswers, events, ingest, queryVectors } = config;
  const rate = (limit: Rate | undefined): Rate | undefined =>
    limit && countsAlone ? { ...limit, requests: share(limit.requests) } : limit;
  return deepFreeze({
    ...config,
    connections: {
      ...connections,
      maxConnections: share(connections.maxConnections),
      maxConnectionsPerAddress: share(connections.maxConnectionsPerAddress),
    },
    rates: { address: rate(rates.address), key: rate(rates.key), tenant: rate(rates.tenant) },
    reads: {
      perTenant: share(reads.perTenant),
      shared: share(reads.shared),
      queuePerTenant: share(reads.queuePerTenant),
      total: share(reads.total),
      queueTotal: share(reads.queueTotal),
    },
    bodyMemory: { perKey: share(bodyMemory.perKey), total: share(bodyMemory.total) },
    unreadAnswers: { perTenant: share(unreadAnswers.perTenant), total: share(unreadAnswers.total) },
    ingest: { writers: share(ingest.writers), maxQueuedBytes: share(ingest.maxQueuedBytes) },
    queryVectors: { maxCacheBytes: share(queryVectors.maxCacheBytes) },
    events: {
      ...events,
      maxStreams: share(events.maxStreams),
      maxStreamsPerTenant: share(events.maxStreamsPerTenant),
      maxStreamsPerKey: share(events.maxStreamsPerKey),
    },
  });
}
