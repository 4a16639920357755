import { z } from 'zod';
import { integer, list } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';

const url = z.url({ protocol: /^postgres(ql)?$/ });

/** The variables of whatever reads from standbys of the database. */
export const replicaEnv = {
  MEMORY_READ_REPLICA_URLS: list
    .default([])
    .refine((urls) => urls.every((each) => url.safeParse(each).success), {
      error: 'must be postgres:// URLs, separated by commas (a comma inside of one is written %2C)',
      abort: true,
    })
    .refine((urls) => new Set(urls).size === urls.length, 'names a replica twice'),
  MEMORY_READ_REPLICA_MAX_LAG_MS: integer(100, 3_600_000).default(5000),
};

export type ReplicaConfig = ReturnType<typeof toReplicaConfig>;

export function toReplicaConfig(env: z.output<z.ZodObject<typeof replicaEnv>>) {
  return deepFreeze({
    /** Streaming standbys of the database, with user and password; empty: all is read from the primary. */
    urls: env.MEMORY_READ_REPLICA_URLS,
    /** One that is further behind is not read from. */
    maxLagMs: env.MEMORY_READ_REPLICA_MAX_LAG_MS,
  });
}
