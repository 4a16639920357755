import { z } from 'zod';
import { integer } from '../config/env-fields.ts';
import { databaseEnv, toDatabaseConfig } from '../db/database-config.ts';
import { embeddingEnv } from '../embedding/embedding-config.ts';
import { logLevels } from '../observability/logger.ts';
import { opsEnv, toOpsConfig } from '../ops/ops-config.ts';
import { queueEnv, toQueueConfig } from '../queue/queue-config.ts';

/** The variables of every process that is a service of its own, on PostgreSQL and a queue. */
export function serviceEnv(defaultOpsPort: number) {
  return {
    MEMORY_ENVIRONMENT: z.string().max(64).default('local'),
    MEMORY_LOG_LEVEL: z.enum(logLevels).default('info'),
    MEMORY_SHUTDOWN_DEADLINE_MS: integer(100, 600_000).default(20_000),
    ...databaseEnv,
    ...queueEnv,
    ...opsEnv(defaultOpsPort),
  };
}

export type ServiceConfig = ReturnType<typeof toServiceConfig>;

export function toServiceConfig(env: z.output<z.ZodObject<ReturnType<typeof serviceEnv>>>) {
  return {
    environment: env.MEMORY_ENVIRONMENT,
    logLevel: env.MEMORY_LOG_LEVEL,
    shutdownDeadlineMs: env.MEMORY_SHUTDOWN_DEADLINE_MS,
    database: toDatabaseConfig(env),
    queue: toQueueConfig(env),
    ops: toOpsConfig(env),
  };
}

/** {@link embeddingEnv} with the place of models, which one process has in its data folder. */
export const serviceEmbeddingEnv = {
  ...embeddingEnv,
  MEMORY_MODEL_CACHE_DIR: z.string().default('./.cache/models'),
};
