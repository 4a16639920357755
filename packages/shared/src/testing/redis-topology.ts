// The servers are the tooling's, which this package does not link; only tests come here.
// oxlint-disable no-restricted-imports
import { spawnSync } from 'node:child_process';
import { createRedis } from '../../../../tooling/servers/redis-server.ts';
import type { RedisAccess } from '../../../../tooling/servers/redis-access.ts';
import { createServerGroup, type GroupMember } from '../../../../tooling/servers/server-group.ts';

export { createRedisAccess, type RedisAccess } from '../../../../tooling/servers/redis-access.ts';
export { startRedisCluster, type ThrowawayCluster } from '../../../../tooling/servers/redis-cluster.ts';
export { startRedisSentinel, type ThrowawaySentinel } from '../../../../tooling/servers/redis-sentinel.ts';

/** Whether tests of Redis are wanted, and an installed redis-server can be started for them. */
export function canStartRedis(): boolean {
  return process.env['TEST_REDIS_URL'] !== undefined && spawnSync('redis-server', ['--version']).status === 0;
}

/** One server that is entered as `access` says, and how to end it. */
export async function startGuardedRedis(access: RedisAccess): Promise<GroupMember & { stop(): Promise<void> }> {
  const group = createServerGroup();
  const member = await group.add(await createRedis({ appendonly: 'no', tls: true, settings: access.settings }));
  return { ...member, stop: () => group.stop() };
}
