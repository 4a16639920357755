import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import type { RestartableServer } from './restartable-server.ts';
import type { ThrowawayServer } from './run-beside-server.ts';
import { endingWithParent, endServer, giveToServer, launch, serverFolder } from './server-process.ts';

/** Starts an installed redis-server that keeps its data in memory. */
export async function startRedis(signal: AbortSignal): Promise<ThrowawayServer> {
  const redis = await createRedis({ appendonly: 'no' });
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server) await endServer(server, 'SIGTERM');
    redis.remove();
  };
  try {
    server = await redis.run(signal);
    return { url: redis.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface RedisOptions {
  readonly appendonly: 'yes' | 'no';
  /** Further options of the command line. */
  readonly settings?: readonly string[];
  /** The port is for TLS alone; certificates are among the settings. */
  readonly tls?: boolean;
  /** Files that it finds in its folder, which is also where it is started. */
  readonly files?: Readonly<Record<string, string>>;
  /** Follows `redis-server`: its configuration file, which it may write to. */
  readonly configFile?: string;
}

export interface RestartableRedis extends RestartableServer {
  readonly port: number;
}

/** An installed redis-server on a port and in a folder of its own, not running. */
export async function createRedis(options: RedisOptions): Promise<RestartableRedis> {
  const { appendonly, settings = [], tls = false, files = {}, configFile } = options;
  const port = await freePort();
  const folder = serverFolder('redis');
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    giveToServer(join(folder, name));
  }
  const ports = tls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
  const persistence = ['--dir', folder, '--save', '', '--appendonly', appendonly];
  const program = ['redis-server', ...(configFile === undefined ? [] : [join(folder, configFile)])];
  const command = [...program, '--bind', '127.0.0.1', ...ports, ...persistence, ...settings];
  return {
    port,
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    async run(signal) {
      const server = launch([...endingWithParent('TERM'), ...command], folder, 'server.log');
      try {
        await once(server, 'spawn');
        await untilReady(server, port, signal);
        return server;
      } catch (error) {
        await endServer(server, 'SIGTERM');
        throw signal.aborted
          ? error
          : new Error('redis-server did not start: install it, or set TEST_REDIS_URL.', { cause: error });
      }
    },
  };
}

async function untilReady(server: ChildProcess, port: number, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < 100 && server.exitCode === null; attempt += 1) {
    if (await answers(port)) return;
    await delay(100, undefined, { signal });
  }
  throw new Error(server.exitCode === null ? 'Its port does not answer.' : `It exited with ${server.exitCode}.`);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}
