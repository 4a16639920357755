import { z } from 'zod';
import { flag, integer } from '../config/env-fields.ts';
import { deepFreeze } from '../config/load-config.ts';

/** The variables of whatever connects to a PostgreSQL server. */
export const databaseEnv = {
  MEMORY_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }),
  MEMORY_DATABASE_POOL_SIZE: integer(1, 1000).default(10),
  MEMORY_DATABASE_PREPARED_POOL_SIZE: integer(0, 1000).default(10),
  MEMORY_DATABASE_CONNECT_TIMEOUT_MS: integer(10, 600_000).default(5000),
  MEMORY_DATABASE_IDLE_TIMEOUT_MS: integer(0, 3_600_000).default(30_000),
  MEMORY_DATABASE_STATEMENT_TIMEOUT_MS: integer(0, 3_600_000).default(15_000),
  MEMORY_DATABASE_MAX_LIFETIME_SECONDS: integer(0, 86_400).default(3600),
  MEMORY_DATABASE_KEEP_ALIVE: flag.default(true),
};

export type DatabaseConfig = ReturnType<typeof toDatabaseConfig>;

export function toDatabaseConfig(env: z.output<z.ZodObject<typeof databaseEnv>>) {
  return deepFreeze({
    url: env.MEMORY_DATABASE_URL,
    poolSize: env.MEMORY_DATABASE_POOL_SIZE,
    /** Connections besides, which keep their statements; 0: none do. */
    preparedPoolSize: env.MEMORY_DATABASE_PREPARED_POOL_SIZE,
    /** How long a caller waits for a connection of the pool. */
    acquireTimeoutMs: env.MEMORY_DATABASE_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: env.MEMORY_DATABASE_IDLE_TIMEOUT_MS,
    statementTimeoutMs: env.MEMORY_DATABASE_STATEMENT_TIMEOUT_MS,
    maxLifetimeSeconds: env.MEMORY_DATABASE_MAX_LIFETIME_SECONDS,
    keepAlive: env.MEMORY_DATABASE_KEEP_ALIVE,
  });
}
