import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../services/standalone/main.ts', import.meta.url));

/** The real thing: the process that `pnpm start` runs, on a free port and a data folder of its own. */
export interface StandaloneProcess {
  readonly url: string;
  readonly apiKey: string;
  readonly pid: number;
  /** Everything it has printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface StartOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another one than that of the sources. */
  readonly program?: { readonly command: string; readonly args: readonly string[]; readonly cwd: string };
  /** Descriptor that takes its standard output; it is collected when there is none. */
  readonly stdout?: number;
}

export async function makeDataDir(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'memory-layer-e2e-'));
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      // A killed process leaves its lock beside the folder.
      await rm(`${path}.lock`, { force: true });
    },
  };
}

/** How the process is run; for tests that do more with it than to ask it over HTTP. */
export function standaloneCommand(dataDir: string) {
  return {
    command: process.execPath,
    args: ['--conditions=memory-layer-source', main],
    env: {
      PATH: process.env['PATH'] ?? '',
      MEMORY_DATA_DIR: dataDir,
      MEMORY_PORT: '0',
      MEMORY_LOG_LEVEL: 'warn',
      // The tests send as fast as they can.
      MEMORY_GLOBAL_RATE_LIMIT: 'off',
      MEMORY_KEY_RATE_LIMIT: 'off',
      MEMORY_TENANT_RATE_LIMIT: 'off',
    },
  };
}

export function spawnStandalone({ dataDir, env = {}, program, stdout }: StartOptions): {
  child: ChildProcess;
  output: () => string;
} {
  const { env: base, ...sources } = standaloneCommand(dataDir);
  const { command, args, cwd } = { cwd: process.cwd(), ...(program ?? sources) };
  const child = spawn(command, args, { cwd, env: { ...base, ...env }, stdio: ['ignore', stdout ?? 'pipe', 'pipe'] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, output: () => text };
}

/** Starts the process and waits until it says where it listens. */
export async function startStandalone(options: StartOptions): Promise<StandaloneProcess> {
  const { child, output } = spawnStandalone(options);
  const exited = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /listens on (http:\S+)/.exec(output())?.[1];
      if (found !== undefined && output().includes('Ctrl-C')) resolve(found);
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}:\n${output()}`)));
  });
  const apiKey = options.env?.['MEMORY_API_KEYS'] ?? (await readFile(join(options.dataDir, 'api-key'), 'utf8')).trim();
  return {
    url,
    apiKey,
    pid: child.pid ?? 0,
    output,
    async kill(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}
