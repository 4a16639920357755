import { freePort } from './free-port.ts';
import type { RedisAccess } from './redis-access.ts';
import { redisCli, untilRedisSays } from './redis-cli.ts';
import { createRedis } from './redis-server.ts';
import { createServerGroup, type GroupMember } from './server-group.ts';

export interface ThrowawayCluster {
  /** Three masters with a third of the slots each, from the lowest slots to the highest. */
  readonly masters: readonly GroupMember[];
  stop(): Promise<void>;
}

/** Starts a Redis Cluster of three masters without replicas. It runs when this resolves. */
export async function startRedisCluster(access?: RedisAccess): Promise<ThrowawayCluster> {
  const group = createServerGroup();
  try {
    const masters = await Promise.all([0, 1, 2].map(async () => group.add(await createNode(access))));
    const cli = access?.cliArguments ?? [];
    const addresses = masters.map(({ port }) => `127.0.0.1:${port}`);
    await redisCli(...cli, '--cluster', 'create', ...addresses, '--cluster-yes');
    for (const { port } of masters) {
      await untilRedisSays(/cluster_state:ok/, ...cli, '-p', String(port), 'cluster', 'info');
    }
    return { masters, stop: () => group.stop() };
  } catch (error) {
    await group.stop();
    throw error;
  }
}

async function createNode(access: RedisAccess | undefined) {
  // The port of the bus would be 10 000 higher, which free ports are too high for.
  const bus = ['--cluster-port', String(await freePort()), ...(access === undefined ? [] : ['--tls-cluster', 'yes'])];
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', ...bus];
  const settings = [...cluster, ...(access?.settings ?? [])];
  return createRedis({ appendonly: 'yes', settings, tls: access !== undefined });
}
