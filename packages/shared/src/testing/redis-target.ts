import { loadEnv } from '../config/load-config.ts';
import { redisEnv, toRedisTarget } from '../redis/redis-config.ts';
import type { RedisTarget } from '../redis/redis-target.ts';

/** The target that these variables of Redis mean, or that a URL alone means. */
export function testRedisTarget(env: string | Readonly<Record<string, string>>): RedisTarget {
  return toRedisTarget(loadEnv(redisEnv, typeof env === 'string' ? { MEMORY_REDIS_URL: env } : env));
}
