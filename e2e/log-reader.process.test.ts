import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { afterEach, describe, expect, test } from 'vitest';

import { freePort } from './services/servers.ts';
import { makeDataDir, standaloneCommand } from './standalone-process.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const shutdownDeadlineMs = 5000;

/** The process with its output in our hands: nobody reads it unless the test does. */
async function start(env: Record<string, string> = {}): Promise<{ child: ChildProcess; url: string }> {
  const folder = await makeDataDir();
  cleanups.push(() => folder.remove());
  const port = await freePort();
  const { command, args, env: base } = standaloneCommand(folder.path);
  const child = spawn(command, args, {
    env: {
      ...base,
      MEMORY_PORT: String(port),
      MEMORY_LOG_LEVEL: 'info',
      MEMORY_SHUTDOWN_DEADLINE_MS: String(shutdownDeadlineMs),
      MEMORY_API_KEYS: key,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanups.push(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return { child, url: `http://127.0.0.1:${port}` };
}

const key = 'key-of-the-operator';
const ask = (url: string, path: string): Promise<Response> =>
  fetch(url + path, { headers: { 'x-api-key': key }, signal: AbortSignal.timeout(5000) });

async function untilLive(url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      const { status } = await ask(url, '/readyz');
      if (status === 200) return;
    } catch {
      // It does not listen yet.
    }
    if (Date.now() > deadline) throw new Error('the process does not answer');
    await sleep(100);
  }
}

/** Requests until their lines are so long together; each line is at least 150 characters. */
async function logMuch(url: string, characters: number): Promise<void> {
  for (let n = 0; n < characters / 150; n += 100) {
    await Promise.all(Array.from({ length: 100 }, async () => (await ask(url, '/livez')).text()));
  }
}

async function droppedLines(url: string): Promise<number> {
  const text = await (await ask(url, '/metrics')).text();
  return Number(/^memory_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
}

/** Asks the process to end, and says how it did and how long it took. */
async function end(child: ChildProcess): Promise<{ code: unknown; isInTime: boolean }> {
  const started = Date.now();
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code]: unknown[] = await exited;
  return { code, isInTime: Date.now() - started < shutdownDeadlineMs + 2000 };
}

describe.each([['json'], ['pretty']])('with %s lines', (MEMORY_LOG_FORMAT) => {
  test('a reader that goes away takes nothing with it but lines, which are counted', async () => {
    const { child, url } = await start({ MEMORY_LOG_FORMAT });
    // As `head -1` does.
    child.stdout?.once('data', () => child.stdout?.destroy());
    child.stderr?.destroy();
    await untilLive(url);
    await logMuch(url, 50_000);
    await eventually(async () => expect(await droppedLines(url)).toBeGreaterThan(100));
    expect((await ask(url, '/livez')).status).toBe(200);
    expect(await end(child)).toEqual({ code: 0, isInTime: true });
  });

  test('a reader that does not read loses lines, which are counted', async () => {
    const { child, url } = await start({ MEMORY_LOG_FORMAT });
    await untilLive(url);
    // More than pipe and memory take.
    await logMuch(url, 3_000_000);
    expect((await ask(url, '/livez')).status).toBe(200);
    expect(await droppedLines(url)).toBeGreaterThan(100);
    expect(await end(child)).toEqual({ code: 0, isInTime: true });
  });
});

test('a configuration that is wrong is reported though the reader does not read, and the process ends', async () => {
  const { child } = await start({ MEMORY_HEADERS_TIMEOUT_SECONDS: 'soon' });
  child.stdout?.destroy();
  expect(await once(child, 'exit')).toEqual([2, null]);
});
