import { z } from 'zod';
import { deepFreeze } from '../config/load-config.ts';
import { redisEnv, toRedisTarget } from '../redis/redis-config.ts';
import type { RedisTarget } from '../redis/redis-target.ts';

/** The variables of the job queue: Redis, or BullMQ's PostgreSQL backend in the database itself. */
export const queueEnv = {
  MEMORY_QUEUE: z.enum(['redis', 'postgres']).default('redis'),
  ...redisEnv,
};

export type QueueConfig =
  | { readonly kind: 'redis'; readonly redis: { readonly target: RedisTarget; readonly prefix: string } }
  | { readonly kind: 'postgres' };

/** @throws ConfigError when the variables of Redis contradict one another; they are not looked at without Redis. */
export function toQueueConfig(env: z.output<z.ZodObject<typeof queueEnv>>): QueueConfig {
  if (env.MEMORY_QUEUE === 'postgres') return deepFreeze({ kind: 'postgres' });
  return deepFreeze({ kind: 'redis', redis: { target: toRedisTarget(env), prefix: env.MEMORY_REDIS_PREFIX } });
}
