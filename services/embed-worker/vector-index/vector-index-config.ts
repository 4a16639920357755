import { flag, integer } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';
import type { z } from 'zod';

/** The variables of the indexes of large tenants; for a database server alone. */
export const vectorIndexEnv = {
  MEMORY_VECTOR_INDEX: flag.default(true),
  MEMORY_VECTOR_INDEX_MIN_VECTORS: integer(16, 100_000_000).default(10_000),
  MEMORY_VECTOR_INDEX_MAX_TAIL: integer(16, 100_000_000).default(10_000),
  MEMORY_VECTOR_INDEX_MEMORY_MB: integer(8, 1_000_000).default(256),
  MEMORY_VECTOR_INDEX_PARALLEL_WORKERS: integer(0, 64).default(0),
  MEMORY_VECTOR_INDEX_INTERVAL_MS: integer(50, 3_600_000).default(10_000),
};

export type VectorIndexConfig = ReturnType<typeof toVectorIndexConfig>;

export function toVectorIndexConfig(env: z.output<z.ZodObject<typeof vectorIndexEnv>>) {
  return deepFreeze({
    isOn: env.MEMORY_VECTOR_INDEX,
    everyMs: env.MEMORY_VECTOR_INDEX_INTERVAL_MS,
    limits: {
      minVectors: env.MEMORY_VECTOR_INDEX_MIN_VECTORS,
      maxTail: env.MEMORY_VECTOR_INDEX_MAX_TAIL,
      memoryMb: env.MEMORY_VECTOR_INDEX_MEMORY_MB,
    },
    build: {
      memoryMb: env.MEMORY_VECTOR_INDEX_MEMORY_MB,
      parallelWorkers: env.MEMORY_VECTOR_INDEX_PARALLEL_WORKERS,
      // Waits for other transactions included: a backup may be one.
      timeoutMs: 4 * 3_600_000,
    },
    scheduler: {
      noteworthy: Math.ceil(env.MEMORY_VECTOR_INDEX_MAX_TAIL / 8),
      tenantsPerRound: 50,
      pauseMs: 600_000,
    },
  });
}
