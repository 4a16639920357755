import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { freePort } from './services/servers.ts';
import { makeDataDir, standaloneCommand } from './standalone-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const key = 'key-of-the-operator';
const attackers = 2000;

/** The process with 1024 file descriptors, as many systems have it. */
async function start(): Promise<{ url: string; port: number; stop: () => Promise<unknown> }> {
  const folder = await makeDataDir();
  cleanups.push(() => folder.remove());
  const port = await freePort();
  const { command, args, env } = standaloneCommand(folder.path);
  const child = spawn('sh', ['-c', 'ulimit -n 1024 && exec "$0" "$@"', command, ...args], {
    env: { ...env, MEMORY_PORT: String(port), MEMORY_API_KEYS: key },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let text = '';
  while (!text.includes('Ctrl-C')) {
    const [chunk]: unknown[] = await once(child.stdout, 'data');
    text += String(chunk);
  }
  child.stdout.resume();
  const stop = async (): Promise<unknown> => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    return (await exited)[0];
  };
  return { url: `http://127.0.0.1:${port}`, port, stop };
}

async function attack(port: number): Promise<{ open: () => number }> {
  const sockets: Socket[] = [];
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let n = 0; n < attackers; n += 1) {
    // Of many addresses, so that what holds is the limit of all together.
    const socket = connect({ host: '127.0.0.1', port, localAddress: `127.1.${n % 8}.1` });
    socket.on('error', () => undefined).resume();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n');
    sockets.push(socket);
    if (n % 50 === 0) await sleep(5);
  }
  await sleep(500);
  return { open: () => sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length };
}

test('thousands of connections that never finish their header keep nobody out, with 1024 descriptors', async () => {
  const { url, port, stop } = await start();
  const { open } = await attack(port);
  // Half of the descriptors, and not all of them.
  expect(open()).toBeGreaterThan(100);
  expect(open()).toBeLessThanOrEqual(512);

  const statuses: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const body = JSON.stringify({ tenant_id: 't', conversation_id: 'c', role: 'user', content: `message ${n}` });
    const headers = { 'x-api-key': key, 'content-type': 'application/json', connection: 'close' };
    const answer = await fetch(`${url}/v1/messages`, { method: 'POST', headers, body });
    await answer.text();
    statuses.push(answer.status);
  }
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 202));

  // The rest is closed once its header is due.
  await expect.poll(open, { timeout: 20_000, interval: 500 }).toBe(0);
  expect(await stop()).toBe(0);
});
