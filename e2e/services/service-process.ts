import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export type ServiceName = 'api' | 'embed-worker' | 'retention-worker' | 'migrate';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line of a service's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** A service as a release runs it: its build, in a process of its own. */
export interface ServiceProcess {
  readonly name: ServiceName;
  readonly pid: number;
  /** Of its ops listener. */
  readonly opsUrl: string;
  /** Of the api. */
  readonly url: string;
  /** Everything it has printed so far. */
  output(): string;
  logs(): LogLine[];
  isRunning(): boolean;
  /** What a path of its ops listener answers; undefined while nobody listens. */
  ops(path: string): Promise<Response | undefined>;
  /** Waits until /readyz of the ops listener says so. @throws when the process ends before, or after a minute. */
  ready(): Promise<void>;
  /** Waits for its end. @throws after a minute. */
  ended(): Promise<Exit>;
  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  send(signal: NodeJS.Signals): void;
  /** Sends a signal, unless it has ended, and waits for its end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly port: number;
  readonly opsPort: number;
  readonly env: Readonly<Record<string, string>>;
}

const patienceMs = 60_000;

// A test run that is killed takes its services with it.
const endingWithParent = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

export function spawnService(name: ServiceName, { cwd, port, opsPort, env }: SpawnOptions): ServiceProcess {
  const main = fileURLToPath(new URL(`../../services/${name}/dist/main.js`, import.meta.url));
  const [file, ...args] = [...endingWithParent, process.execPath, main];
  const ports = { MEMORY_PORT: String(port), MEMORY_OPS_PORT: String(opsPort) };
  const environment = { PATH: process.env['PATH'] ?? '', ...ports, ...env };
  const child = spawn(file, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'close');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));

  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const ops = (path: string) => fetch(opsUrl + path).catch(() => undefined);
  const failure = (what: string): Error => new Error(`${name} ${what}; it printed:\n${text}`);

  async function ended(): Promise<Exit> {
    const patience = new AbortController();
    const late = sleep(patienceMs, 'late' as const, { signal: patience.signal }).catch(() => 'in time' as const);
    const first = await Promise.race([exited, late]);
    patience.abort();
    if (first === 'late') throw failure('has not ended');
    return { code: child.exitCode, signal: child.signalCode };
  }

  return {
    name,
    pid: child.pid ?? 0,
    opsUrl,
    url: `http://127.0.0.1:${port}`,
    output: () => text,
    logs: () => text.split('\n').filter(isJsonLine).map(parseLine),
    isRunning,
    ops,
    ended,
    async ready() {
      for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(25)) {
        if (!isRunning()) throw failure(`ended with ${child.exitCode ?? child.signalCode} before it was ready`);
        if ((await ops('/readyz'))?.status === 200) return;
      }
      throw failure('is not ready');
    },
    send: (signal) => void child.kill(signal),
    async kill(signal) {
      if (isRunning()) child.kill(signal);
      return ended();
    },
  };
}

const isJsonLine = (line: string): boolean => line.startsWith('{') && line.endsWith('}');

function parseLine(line: string): LogLine {
  return JSON.parse(line) as LogLine;
}
