import { apiEnv, toApiConfig } from '@memory-layer/api/config';
import { embedWorkerEnv, toEmbedWorkerConfig } from '@memory-layer/embed-worker/config';
import { retentionEnv, toRetentionConfig } from '@memory-layer/retention-worker/config';
import { integer } from '@memory-layer/shared/config/env-fields';
import { deepFreeze, loadEnv } from '@memory-layer/shared/config/load-config';
import { embeddingEnv, toEmbeddingConfig } from '@memory-layer/shared/embedding/embedding-config';
import { logLevels } from '@memory-layer/shared/observability/logger';
import { z } from 'zod';

/** The variables of the one-process mode, those of the services it runs included. */
export const standaloneEnv = {
  MEMORY_ENVIRONMENT: z.string().max(64).default('local'),
  MEMORY_DATA_DIR: z.string().default('./data'),
  MEMORY_LOG_LEVEL: z.enum(logLevels).default('info'),
  MEMORY_LOG_FORMAT: z.enum(['auto', 'json', 'pretty']).default('auto'),
  MEMORY_SHUTDOWN_DEADLINE_MS: integer(100, 600_000).default(20_000),
  ...embeddingEnv,
  ...apiEnv,
  ...embedWorkerEnv,
  ...retentionEnv,
};

/** What only services have, and a person who sets it expects to be used. */
const ofServices = new Set(['MEMORY_DATABASE_URL', 'MEMORY_READ_REPLICA_URLS']);

export type StandaloneConfig = ReturnType<typeof loadStandaloneConfig>;

/** @throws ConfigError naming every variable that is wrong. */
export function loadStandaloneConfig(env: Readonly<Record<string, string | undefined>>) {
  const values = loadEnv(standaloneEnv, env);
  return deepFreeze({
    environment: values.MEMORY_ENVIRONMENT,
    dataDir: values.MEMORY_DATA_DIR,
    /** Settings that have no effect in this mode. */
    withoutEffect: Object.entries(env).flatMap(([name, value]) => (ofServices.has(name) && value !== '' ? [name] : [])),
    logLevel: values.MEMORY_LOG_LEVEL,
    logFormat: values.MEMORY_LOG_FORMAT,
    shutdownDeadlineMs: values.MEMORY_SHUTDOWN_DEADLINE_MS,
    embedding: toEmbeddingConfig(values),
    api: toApiConfig(values),
    embedWorker: toEmbedWorkerConfig(values),
    retention: toRetentionConfig(values),
  });
}
