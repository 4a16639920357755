import { integer } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';
import { serviceEmbeddingEnv, serviceEnv } from '@memory-layer/shared/process/service-config';
import type { z } from 'zod';
import { vectorIndexEnv } from './vector-index/vector-index-config.ts';

/** The embed worker's variables. */
export const embedWorkerEnv = {
  MEMORY_EMBEDDING_JOB_BATCH_SIZE: integer(1, 1000).default(64),
  MEMORY_EMBEDDING_JOB_CONCURRENCY: integer(1, 64).default(16),
  MEMORY_EMBEDDING_JOB_MAX_ATTEMPTS: integer(1, 100).default(5),
  MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS: integer(10, 3_600_000).default(5000),
  MEMORY_EMBEDDING_LEASE_MS: integer(1000, 3_600_000).default(60_000),
  MEMORY_EMBEDDING_SWEEP_MS: integer(50, 3_600_000).default(2000),
};

/** The variables of the embed worker as a service of its own. */
export const embedWorkerServiceEnv = {
  ...serviceEnv(9465),
  ...serviceEmbeddingEnv,
  ...embedWorkerEnv,
  ...vectorIndexEnv,
};

export type EmbedWorkerConfig = ReturnType<typeof toEmbedWorkerConfig>;

export function toEmbedWorkerConfig(env: z.output<z.ZodObject<typeof embedWorkerEnv>>) {
  return deepFreeze({
    /** Messages leased at once. */
    batchSize: env.MEMORY_EMBEDDING_JOB_BATCH_SIZE,
    /** Jobs under way at once in this process: what they lease, compute and write goes together. */
    concurrency: env.MEMORY_EMBEDDING_JOB_CONCURRENCY,
    maxAttempts: env.MEMORY_EMBEDDING_JOB_MAX_ATTEMPTS,
    /** Doubles with every attempt. */
    backoffMs: env.MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS,
    leaseMs: env.MEMORY_EMBEDDING_LEASE_MS,
    sweepMs: env.MEMORY_EMBEDDING_SWEEP_MS,
  });
}
