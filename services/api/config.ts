import { deepFreeze } from '@memory-layer/shared/config/load-config';
import { decimal, flag, integer, list, port } from '@memory-layer/shared/config/env-fields';
import { z } from 'zod';
import { parseApiKeys, type ApiKey } from './http/api-key.ts';

const apiKeys = list.default([]).transform((items, context): readonly ApiKey[] => {
  const parsed = parseApiKeys(items);
  if (parsed.ok) return parsed.keys;
  context.addIssue({ code: 'custom', message: parsed.problem });
  return z.NEVER;
});

/** The api's variables. Names follow the service that this one replaces. */
export const apiEnv = {
  MEMORY_HOST: z.string().default('127.0.0.1'),
  MEMORY_PORT: port.default(8000),
  MEMORY_API_KEYS: apiKeys,
  MEMORY_ENABLE_METRICS: flag.default(true),
  MEMORY_REQUEST_MAX_BYTES: integer(1024, 1_073_741_824).default(1_048_576),
  MEMORY_BATCH_MAX_BYTES: integer(1024, 1_073_741_824).default(16_777_216),
  MEMORY_DECAY_HALF_LIFE_DAYS: decimal(0.01, 36_500).default(7),
};

export type ApiConfig = ReturnType<typeof toApiConfig>;

export function toApiConfig(env: z.output<z.ZodObject<typeof apiEnv>>) {
  return deepFreeze({
    host: env.MEMORY_HOST,
    port: env.MEMORY_PORT,
    apiKeys: env.MEMORY_API_KEYS,
    metricsEnabled: env.MEMORY_ENABLE_METRICS,
    maxBodyBytes: env.MEMORY_REQUEST_MAX_BYTES,
    maxBatchBodyBytes: env.MEMORY_BATCH_MAX_BYTES,
    decayHalfLifeDays: env.MEMORY_DECAY_HALF_LIFE_DAYS,
    /** How long POST /v1/admin/retention/run waits for its run to end. */
    retentionWaitMs: 10_000,
  });
}
