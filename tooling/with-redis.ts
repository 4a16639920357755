// Runs a command with TEST_REDIS_URL: the one that is set, or a throwaway redis-server of its own.
//   node tooling/with-redis.ts vitest run --project redis
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const nobody = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));

/** A server never runs as root: for root it is started as `nobody`. */
function serverUser(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: nobody('-u'), gid: nobody('-g') } : undefined;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No TCP port to be had.');
  return address.port;
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

async function untilReady(server: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100 && server.exitCode === null; attempt += 1) {
    if (await answers(port)) return;
    await delay(100);
  }
  throw new Error('redis-server did not start.');
}

async function run(command: readonly string[], redisUrl: string): Promise<number> {
  const [file = 'node', ...args] = command;
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, TEST_REDIS_URL: redisUrl } });
  // The command decides how to end; this process stays to stop the server after it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  await once(child, 'exit');
  return child.exitCode ?? 1;
}

async function runWithServer(command: readonly string[]): Promise<number> {
  const port = await freePort();
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'memory-layer-redis-'));
  if (user) chownSync(folder, user.uid, user.gid);
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', settings, { cwd: folder, stdio: 'ignore', ...user });
  try {
    await once(server, 'spawn').catch((error: unknown) => {
      throw new Error('No redis-server on the PATH: install one, or set TEST_REDIS_URL.', { cause: error });
    });
    await untilReady(server, port);
    return await run(command, `redis://127.0.0.1:${port}`);
  } finally {
    if (server.pid !== undefined && server.exitCode === null) {
      server.kill();
      await once(server, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

const command = process.argv.slice(2);
const given = process.env['TEST_REDIS_URL'];
process.exitCode = await (given ? run(command, given) : runWithServer(command));
