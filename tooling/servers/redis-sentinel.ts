import type { RedisAccess } from './redis-access.ts';
import { untilRedisSays } from './redis-cli.ts';
import { createRedis } from './redis-server.ts';
import { createServerGroup, type GroupMember } from './server-group.ts';

export interface ThrowawaySentinel {
  readonly masterName: string;
  readonly sentinel: GroupMember;
  /** The master at the start. */
  readonly master: GroupMember;
  readonly replica: GroupMember;
  stop(): Promise<void>;
}

const masterName = 'main';

/**
 * Starts a master, its replica, and one sentinel that needs nobody's consent to a failover. The replica has what the
 * master has, and the sentinel knows both, when this resolves.
 */
export async function startRedisSentinel(access?: RedisAccess): Promise<ThrowawaySentinel> {
  const group = createServerGroup();
  const cli = access?.cliArguments ?? [];
  const tls = access !== undefined;
  // Replication without the 5 s that a master waits for further replicas.
  const settings = ['--repl-diskless-sync-delay', '0', ...(access?.settings ?? [])];
  try {
    const master = await group.add(await createRedis({ appendonly: 'no', settings, tls }));
    const following = [...settings, '--replicaof', '127.0.0.1', String(master.port)];
    const replica = await group.add(await createRedis({ appendonly: 'no', settings: following, tls }));
    await untilRedisSays(/master_link_status:up/, ...cli, '-p', String(replica.port), 'info', 'replication');

    const sentinel = await group.add(
      await createRedis({
        appendonly: 'no',
        tls,
        configFile: 'sentinel.conf',
        files: { 'sentinel.conf': sentinelConfig(master.port, access) },
        settings: ['--sentinel', ...(access?.settings ?? [])],
      }),
    );
    await untilRedisSays(/slaves=1/, ...cli, '-p', String(sentinel.port), 'info', 'sentinel');
    return { masterName, sentinel, master, replica, stop: () => group.stop() };
  } catch (error) {
    await group.stop();
    throw error;
  }
}

function sentinelConfig(masterPort: number, access: RedisAccess | undefined): string {
  const lines = [
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 5000`,
  ];
  if (access) {
    lines.push(`sentinel auth-user ${masterName} ${access.username}`);
    lines.push(`sentinel auth-pass ${masterName} ${access.password}`);
  }
  return `${lines.join('\n')}\n`;
}
