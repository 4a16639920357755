import { loadEnv } from '@memory-layer/shared/config/load-config';
import { embedderFromConfig } from '@memory-layer/shared/embedding/embedder-from-config';
import { toEmbeddingConfig } from '@memory-layer/shared/embedding/embedding-config';
import { guardEmbedders } from '@memory-layer/shared/embedding/guard-embedders';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { OpsServer } from '@memory-layer/shared/ops/ops-server';
import { createRedisClients } from '@memory-layer/shared/redis/redis-client';
import type { Service } from '@memory-layer/shared/process/run-service';
import { toServiceConfig } from '@memory-layer/shared/process/service-config';
import { createServiceResources } from '@memory-layer/shared/process/service-resources';
import { version } from '@memory-layer/shared/version';
import { createReadReplicas } from './replica/create-read-replicas.ts';
import { toReplicaConfig } from './replica/replica-config.ts';
import type { z } from 'zod';
import { composeApi, composeReranker } from './compose.ts';
import { apiServiceEnv, toApiConfig } from './config.ts';
import { composeProcessPool } from './processes/compose-process-pool.ts';
import { ProcessMember, type ProcessPlace } from './processes/process-member.ts';
import { shareOfLimits, shareOfPools } from './processes/process-share.ts';

// A slow Redis must not slow requests down: after this the process counts for itself.
const rateTimeoutMs = 100;
// A client that sends nothing for so long into a connection of a replaced process may find it closed.
const lingerMs = 5000;

/**
 * The api as a process of its own, or one of several that share its port.
 *
 * @param place among them; undefined: it is alone.
 * @throws ConfigError naming every variable that is wrong.
 */
export function composeApiService(env: Readonly<Record<string, string | undefined>>, place?: ProcessPlace): Service {
  const values = loadEnv(apiServiceEnv, env);
  const { config, apiConfig } = toShares(values, place === undefined ? 1 : values.MEMORY_API_PROCESSES);
  const embedding = toEmbeddingConfig(values);
  const own = createServiceResources('api', config);
  const resources = place === undefined ? own : { ...own, logger: own.logger.child({ process: place.number }) };
  const { database, queues, metrics } = resources;
  const replicas = createReadReplicas(toReplicaConfig(values), config.database, {
    ...resources,
    applicationName: 'memory-layer api search',
  });
  // Only queries are embedded here: one thread, their own.
  const embedder = embedderFromConfig(
    { ...embedding, threads: 0 },
    { cacheDir: values.MEMORY_MODEL_CACHE_DIR, onWarning: (message) => resources.logger.warn(message) },
  );
  const onRedisError = (error: Error) => resources.logger.warn({ err: error }, 'redis connection');
  const redis = config.queue.kind === 'redis' ? config.queue.redis : undefined;
  const rateStore = redis && {
    client: createRedisClients(redis.target).openProducer(rateTimeoutMs, onRedisError),
    prefix: redis.prefix,
  };
  const cacheDir = values.MEMORY_MODEL_CACHE_DIR;
  const reranker = composeReranker(apiConfig, { cacheDir, embedding, metrics });
  const member = place && new ProcessMember(place, { metrics, lingerMs });
  const api = composeApi(apiConfig, {
    ...resources,
    ...member?.resources,
    replicas,
    queryEmbedder: guardEmbedders(embedder, embedding, metrics).query,
    reranker,
    rateStore,
    extraKeys: [],
    isOnlyProcess: false,
    environment: config.environment,
    version,
  });
  const readiness = { readiness: api.readiness, needed: [database] };
  const ops = new OpsServer(config.ops, { ...readiness, metrics });
  const rerankers = reranker === undefined ? [] : [componentOf('reranker', reranker)];
  const embedderComponent = componentOf('embedder', embedder);
  const rateStoreComponent = {
    id: 'rate-store',
    start: async () => undefined,
    stop: async () => rateStore?.client.disconnect(),
  };
  const databases = replicas === undefined ? [database] : [database, replicas];
  const parts = [...databases, queues, rateStoreComponent, embedderComponent, ...rerankers, api];
  // Of several processes, the one that starts them answers for all.
  return {
    config,
    resources,
    components: member === undefined ? [ops, ...parts] : member.around(parts, { ...readiness, api }),
  };
}

type Values = z.output<z.ZodObject<typeof apiServiceEnv>>;

/** The configuration of one of several processes. */
function toShares(values: Values, processes: number) {
  const config = toServiceConfig(values);
  const apiConfig = toApiConfig(values);
  const countsAlone = config.queue.kind !== 'redis';
  return {
    config: { ...config, database: shareOfPools(config.database, processes) },
    apiConfig: shareOfLimits(apiConfig, processes, { countsAlone }),
  };
}

/**
 * The process that starts those that share the port of the api. It answers no requests itself.
 *
 * @throws ConfigError naming every variable that is wrong, those of its processes included.
 */
export function composeProcesses(env: Readonly<Record<string, string | undefined>>): Service {
  const values = loadEnv(apiServiceEnv, env);
  const { config } = toShares(values, values.MEMORY_API_PROCESSES);
  toEmbeddingConfig(values);
  toReplicaConfig(values);
  return composeProcessPool({ ...config, processes: values.MEMORY_API_PROCESSES, lingerMs });
}

function componentOf(id: string, part: Pick<Component, 'start' | 'stop'>): Component {
  return { id, start: () => part.start(), stop: () => part.stop() };
}
