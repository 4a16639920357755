import { loadEnv } from '@memory-layer/shared/config/load-config';
import { embedderFromConfig } from '@memory-layer/shared/embedding/embedder-from-config';
import { toEmbeddingConfig } from '@memory-layer/shared/embedding/embedding-config';
import { guardEmbedders } from '@memory-layer/shared/embedding/guard-embedders';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { OpsServer } from '@memory-layer/shared/ops/ops-server';
import type { Service } from '@memory-layer/shared/process/run-service';
import { toServiceConfig } from '@memory-layer/shared/process/service-config';
import { createServiceResources } from '@memory-layer/shared/process/service-resources';
import { composeEmbedWorker } from './compose.ts';
import { embedWorkerServiceEnv, toEmbedWorkerConfig } from './config.ts';
import { toVectorIndexConfig } from './vector-index/vector-index-config.ts';

/**
 * The embed worker as a process of its own.
 *
 * @throws ConfigError naming every variable that is wrong.
 */
export function composeEmbedWorkerService(env: Readonly<Record<string, string | undefined>>): Service {
  const values = loadEnv(embedWorkerServiceEnv, env);
  const config = toServiceConfig(values);
  const embedding = toEmbeddingConfig(values);
  const resources = createServiceResources('embed-worker', config);
  const { database, queues, metrics } = resources;
  const readiness = new Readiness();
  // Nobody asks this process a query: a thread for them would be a copy of the model that does nothing.
  const embedder = embedderFromConfig(embedding, {
    cacheDir: values.MEMORY_MODEL_CACHE_DIR,
    queryThread: false,
    onWarning: (message) => resources.logger.warn(message),
  });
  const worker = composeEmbedWorker(toEmbedWorkerConfig(values), {
    ...resources,
    passageEmbedder: guardEmbedders(embedder, embedding, metrics).passage,
    isOnlyWorker: false,
    readiness,
    vectorIndex: { config: toVectorIndexConfig(values), connection: config.database },
  });
  const ops = new OpsServer(config.ops, { readiness, needed: [database], metrics });
  const embedderComponent = { id: 'embedder', start: () => embedder.start(), stop: () => embedder.stop() };
  return { config, resources, components: [ops, database, queues, embedderComponent, worker] };
}
