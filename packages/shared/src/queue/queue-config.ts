import { z } from 'zod';
import { deepFreeze } from '../config/load-config.ts';

/** The variables of the job queue: Redis, or BullMQ's PostgreSQL backend in the database itself. */
export const queueEnv = {
  MEMORY_QUEUE: z.enum(['redis', 'postgres']).default('redis'),
  MEMORY_REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' })
    .default('redis://127.0.0.1:6379'),
  MEMORY_REDIS_PREFIX: z.string().min(1).max(64).default('{memory-layer}'),
};

export function toQueueConfig(env: z.output<z.ZodObject<typeof queueEnv>>) {
  return deepFreeze({
    kind: env.MEMORY_QUEUE,
    redis: { url: env.MEMORY_REDIS_URL, prefix: env.MEMORY_REDIS_PREFIX },
  });
}
