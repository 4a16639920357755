import { z } from 'zod';
import { list } from '../config/env-fields.ts';
import { deepFreeze, invalidConfiguration } from '../config/load-config.ts';
import type { HostPort, RedisTarget } from './redis-target.ts';
import { parseRedisUrl } from './redis-url.ts';

const redisUrl = z.string().transform((text, context) => {
  const url = parseRedisUrl(text);
  if (!('problem' in url)) return url;
  context.addIssue({ code: 'custom', message: url.problem });
  return z.NEVER;
});

const addresses = list.transform((items, context): readonly HostPort[] => {
  const parsed = items.flatMap((item) => parseAddress(item) ?? []);
  if (parsed.length === items.length && parsed.length > 0) return parsed;
  context.addIssue({ code: 'custom', message: 'must be a list of host:port, separated by commas' });
  return z.NEVER;
});

/** The variables that say where Redis is. */
export const redisEnv = {
  MEMORY_REDIS_URL: redisUrl.prefault('redis://127.0.0.1:6379'),
  MEMORY_REDIS_PREFIX: z.string().min(1).max(64).default('{memory-layer}'),
  MEMORY_REDIS_TLS_CA_FILE: z.string().optional(),
  MEMORY_REDIS_SENTINELS: addresses.optional(),
  MEMORY_REDIS_SENTINEL_NAME: z.string().optional(),
  MEMORY_REDIS_SENTINEL_USERNAME: z.string().optional(),
  MEMORY_REDIS_SENTINEL_PASSWORD: z.string().optional(),
  MEMORY_REDIS_CLUSTER_NODES: addresses.optional(),
};

type RedisEnv = z.output<z.ZodObject<typeof redisEnv>>;

/**
 * Where Redis is, by the variables of {@link redisEnv}. User, password, database and TLS are those of the URL, also
 * where sentinels or cluster nodes stand in for its host.
 *
 * @throws ConfigError naming every variable that contradicts another.
 */
export function toRedisTarget(env: RedisEnv): RedisTarget {
  const problems = contradictions(env);
  if (problems.length > 0) throw invalidConfiguration(problems);
  const { tls, host, port, username, password, db } = env.MEMORY_REDIS_URL;
  const access = { username, password, tls: tls ? { caFile: env.MEMORY_REDIS_TLS_CA_FILE } : undefined };
  if (env.MEMORY_REDIS_SENTINELS !== undefined) {
    return deepFreeze({
      kind: 'sentinel',
      sentinels: env.MEMORY_REDIS_SENTINELS,
      masterName: env.MEMORY_REDIS_SENTINEL_NAME ?? '',
      sentinelUsername: env.MEMORY_REDIS_SENTINEL_USERNAME,
      sentinelPassword: env.MEMORY_REDIS_SENTINEL_PASSWORD,
      db,
      ...access,
    });
  }
  const nodes = env.MEMORY_REDIS_CLUSTER_NODES;
  return deepFreeze(
    nodes === undefined ? { kind: 'single', host, port, db, ...access } : { kind: 'cluster', nodes, ...access },
  );
}

function contradictions(env: RedisEnv): string[] {
  const { tls, host, db } = env.MEMORY_REDIS_URL;
  const hasSentinels = env.MEMORY_REDIS_SENTINELS !== undefined;
  const hasNodes = env.MEMORY_REDIS_CLUSTER_NODES !== undefined;
  const problems: string[] = [];
  const check = (isWrong: boolean, problem: string): unknown => isWrong && problems.push(problem);

  check(hasSentinels && hasNodes, 'MEMORY_REDIS_CLUSTER_NODES: cannot be together with MEMORY_REDIS_SENTINELS');
  check(!hasSentinels && !hasNodes && host === '', 'MEMORY_REDIS_URL: must name a host');
  check(hasNodes && db !== 0, 'MEMORY_REDIS_URL: a cluster has database 0 alone');
  check(
    hasNodes && !hasHashTag(env.MEMORY_REDIS_PREFIX),
    'MEMORY_REDIS_PREFIX: must hold braces, as {memory-layer} does, to keep its keys in one slot of the cluster',
  );
  check(
    !tls && env.MEMORY_REDIS_TLS_CA_FILE !== undefined,
    'MEMORY_REDIS_TLS_CA_FILE: is for a MEMORY_REDIS_URL that begins with rediss://',
  );
  check(
    hasSentinels && env.MEMORY_REDIS_SENTINEL_NAME === undefined,
    'MEMORY_REDIS_SENTINEL_NAME: must be set with MEMORY_REDIS_SENTINELS',
  );
  for (const name of ['NAME', 'USERNAME', 'PASSWORD'] as const) {
    const variable = `MEMORY_REDIS_SENTINEL_${name}` as const;
    check(!hasSentinels && env[variable] !== undefined, `${variable}: is for MEMORY_REDIS_SENTINELS, which is not set`);
  }
  check(
    env.MEMORY_REDIS_SENTINEL_USERNAME !== undefined && env.MEMORY_REDIS_SENTINEL_PASSWORD === undefined,
    'MEMORY_REDIS_SENTINEL_PASSWORD: must be set with MEMORY_REDIS_SENTINEL_USERNAME',
  );
  return problems;
}

/** Redis Cluster hashes what is between the first brace and the next closing one, unless that is nothing. */
function hasHashTag(prefix: string): boolean {
  return /^[^{]*\{[^}]+\}/.test(prefix);
}

function parseAddress(item: string): HostPort | undefined {
  const match = /^(?:\[(?<ipv6>[\da-f:.]+)\]|(?<name>[^\s:/@[\]]+)):(?<port>\d{1,5})$/i.exec(item)?.groups;
  const host = match?.['ipv6'] ?? match?.['name'];
  const port = Number(match?.['port']);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
