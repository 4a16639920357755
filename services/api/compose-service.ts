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
import { composeApi, composeReranker } from './compose.ts';
import { apiServiceEnv, toApiConfig } from './config.ts';

// A slow Redis must not slow requests down: after this the process counts for itself.
const rateTimeoutMs = 100;

/**
 * The api as a process of its own.
 *
 * @throws ConfigError naming every variable that is wrong.
 */
export function composeApiService(env: Readonly<Record<string, string | undefined>>): Service {
  const values = loadEnv(apiServiceEnv, env);
  const config = toServiceConfig(values);
  const embedding = toEmbeddingConfig(values);
  const resources = createServiceResources('api', config);
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
  const apiConfig = toApiConfig(values);
  const cacheDir = values.MEMORY_MODEL_CACHE_DIR;
  const reranker = composeReranker(apiConfig, { cacheDir, embedding, metrics });
  const api = composeApi(apiConfig, {
    ...resources,
    replicas,
    queryEmbedder: guardEmbedders(embedder, embedding, metrics).query,
    reranker,
    rateStore,
    extraKeys: [],
    isOnlyProcess: false,
    environment: config.environment,
    version,
  });
  const ops = new OpsServer(config.ops, { readiness: api.readiness, needed: [database], metrics });
  const rerankers = reranker === undefined ? [] : [componentOf('reranker', reranker)];
  const embedderComponent = componentOf('embedder', embedder);
  const rateStoreComponent = {
    id: 'rate-store',
    start: async () => undefined,
    stop: async () => rateStore?.client.disconnect(),
  };
  const databases = replicas === undefined ? [database] : [database, replicas];
  const components = [ops, ...databases, queues, rateStoreComponent, embedderComponent, ...rerankers, api];
  return { config, resources, components };
}

function componentOf(id: string, part: Pick<Component, 'start' | 'stop'>): Component {
  return { id, start: () => part.start(), stop: () => part.stop() };
}
