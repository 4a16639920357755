import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../api-client.ts';
import { makeDataDir, spawnStandalone } from '../standalone-process.ts';
import type { AbuseKeys, Attack } from './attack.ts';

export const keys: AbuseKeys = {
  unbound: 'unbound-key-0123456789',
  victim: 'victim-key-0123456789',
  attacker: 'attacker-key-0123456789',
};

const startMs = 60_000;
const stopMs = 25_000;
const quietMs = 10_000;
const answerMs = 10_000;
// What is measured is the time between two ticks of a timer; without a delay it is this.
const timerMs = 10;

export interface Usage {
  readonly residentMb: number;
  readonly descriptors: number;
}

export type TargetProcess = Awaited<ReturnType<typeof startTarget>>;

/** The one-process mode with a tenant to attack, which has some hundred messages, and another to attack it from. */
export async function startTarget({ env = {}, log }: Pick<Attack, 'env' | 'log'>) {
  const folder = await makeDataDir();
  const pipe = log === undefined ? undefined : openPipe(join(folder.path, 'log'));
  const { child, output } = spawnStandalone({
    dataDir: folder.path,
    env: {
      MEMORY_API_KEYS: `${keys.unbound},${keys.victim}:victim,${keys.attacker}:attacker`,
      ...(pipe === undefined ? {} : { MEMORY_LOG_LEVEL: 'info' }),
      ...env,
    },
    ...(pipe === undefined ? {} : { stdout: pipe.writeEnd }),
  });
  if (pipe !== undefined) closeSync(pipe.writeEnd);
  const exited = once(child, 'exit');
  const { pid = 0 } = child;
  const url = await listening(child, () => output() + (pipe?.read() ?? ''));
  const victim = createApiClient({ url, apiKey: keys.victim });
  await fill(victim);
  if (log === 'gone') pipe?.reader.destroy();
  if (log === 'unread') pipe?.reader.pause();

  const ask = (path: string, key = keys.unbound) =>
    fetch(url + path, { headers: { 'x-api-key': key }, signal: AbortSignal.timeout(answerMs) });

  return {
    url,
    port: Number(new URL(url).port),
    usage: () => usageOf(pid),
    /**
     * The longest delay of the event loop since the last call, in milliseconds, as the process itself reports it. Not
     * memory_event_loop_delay_seconds, which is of the last minute: that would hold the preparing of an attack, too.
     */
    async eventLoopDelayMs(): Promise<number> {
      const text = await (await ask('/metrics')).text();
      const seconds = Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]);
      return Math.max(0, seconds * 1000 - timerMs);
    },
    isRunning: () => child.exitCode === null && child.signalCode === null,
    /** Waits until nothing is left to embed. @returns false when that takes too long. */
    async isQuiet(): Promise<boolean> {
      for (const deadline = Date.now() + quietMs; Date.now() < deadline; await sleep(100)) {
        const health = (await (await ask('/v1/admin/health')).json()) as {
          readonly backlog?: { readonly messages: { readonly pending: number } | null };
        };
        if (health.backlog?.messages?.pending === 0) return true;
      }
      return false;
    },
    /** Whether a message of the victim is still found. */
    async findsCanary(): Promise<boolean> {
      const answer = await ask('/v1/memory/search?query=canary&mode=lexical&top_k=1', keys.victim);
      const page = (await answer.json()) as { readonly items?: readonly { readonly content: string }[] };
      return page.items?.[0]?.content === canary;
    },
    /** Sends SIGTERM. @returns the exit code, or `killed` when it had to be. */
    async stop(): Promise<number | 'killed'> {
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), stopMs);
      await exited;
      clearTimeout(patience);
      return child.exitCode ?? 'killed';
    },
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
      pipe?.reader.destroy();
      await folder.remove();
    },
  };
}

/** A pipe as a shell makes it: what Node makes for a child process is a socket, which holds more and blocks nobody. */
function openPipe(path: string) {
  const { status } = spawnSync('mkfifo', [path]);
  if (status !== 0) throw new Error('mkfifo made no pipe');
  // Opened for reading first, and without waiting for a writer.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  const reader = new Socket({ fd: readEnd, readable: true, writable: false });
  let text = '';
  reader.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { writeEnd, reader, read: () => text };
}

async function listening(child: ChildProcess, output: () => string): Promise<string> {
  for (const deadline = Date.now() + startMs; Date.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}:\n${output()}`);
    const url = /listens on (http:[^\s"]+)/.exec(output())?.[1];
    if (url !== undefined && output().includes('Ctrl-C')) return url;
  }
  child.kill('SIGKILL');
  throw new Error(`the process did not start:\n${output()}`);
}

const canary = 'The canary in the kitchen sings at seven.';

async function fill(victim: ReturnType<typeof createApiClient>): Promise<void> {
  const contents = Array.from({ length: 300 }, (_, n) => `Row ${n % 17} of the garden has ${n} apples and some pears.`);
  const messages = [canary, ...contents].map((content, n) => ({
    conversation_id: `talk-${n % 10}`,
    role: 'user',
    content,
  }));
  const stored = await victim.call('POST', '/v1/messages/batch', { messages }, { prefer: 'wait=14' });
  if (stored.status >= 300) throw new Error(`the victim's messages were answered with ${stored.status}`);
  // What is looked up once for a tenant, and the vector of the query, are remembered from here on.
  for (let n = 0; n < 10; n += 1) await victim.get('/v1/memory/search?query=apples+in+the+garden&top_k=5');
}

function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return { residentMb: Math.round(kilobytes / 1024), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}
