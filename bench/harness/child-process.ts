import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

/** A long-running process of the bench, with its output in a file. */
export interface BenchProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** SIGTERM, and SIGKILL when it has not ended after 30 s. */
  stop(): Promise<void>;
}

// A bench that is killed takes its processes with it.
const endingWithParent = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];
const patienceMs = 120_000;

export interface StartOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly url: string;
  /** Answers 200 when the process is ready. */
  readonly readyUrl: string;
}

/** Starts a process and waits until it is ready. @throws when it ends before, or is not after two minutes. */
export async function startProcess(options: StartOptions): Promise<BenchProcess> {
  const [file = '', ...args] = [...endingWithParent, ...options.command];
  const output = openSync(options.logFile, 'a');
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', output, output] });
  closeSync(output);
  process.once('exit', () => child.kill('SIGKILL'));
  const stop = (): Promise<void> => end(child);
  try {
    await untilReady(child, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: options.name, pid: child.pid ?? 0, url: options.url, stop, [Symbol.asyncDispose]: stop };
}

async function untilReady(child: ChildProcess, { name, readyUrl, logFile }: StartOptions): Promise<void> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(50)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} has ended: see ${logFile}`);
    const answer = await fetch(readyUrl).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
  }
  throw new Error(`${name} is not ready: see ${logFile}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await exited;
  clearTimeout(impatience);
}

/** Runs a script of this bench to its end and returns what it printed. @throws with its errors when it fails. */
export async function runScript(script: URL, args: readonly string[]): Promise<string> {
  const command = [...endingWithParent, process.execPath, ...process.execArgv, fileURLToPath(script), ...args];
  const [file = '', ...rest] = command;
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(errors.trim().split('\n').slice(-12).join('\n'));
  return output;
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port to be had');
  return address.port;
}
