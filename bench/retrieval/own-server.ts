import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Target } from './memory-client.ts';

export interface OwnServer extends Target, AsyncDisposable {
  readonly dataDir: string;
}

const main = fileURLToPath(new URL('../../services/standalone/main.ts', import.meta.url));

const endingSignals = ['SIGINT', 'SIGTERM'] as const;

// A bench that is killed takes its process with it.
const endingWithParent = ['setpriv', '--pdeathsig', 'KILL'] as const;

/**
 * Starts what `pnpm start` starts, on a free port. Without `dataDir` it has a temporary folder, which goes with it.
 * MEMORY_ variables of this process reach it. @throws with its output when it ends instead of starting.
 */
export async function startOwnServer(dataDir: string | undefined): Promise<OwnServer> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'memory-layer-retrieval-')));
  const command = [process.execPath, '--conditions=memory-layer-source', main] as const;
  const [file, ...args] = process.platform === 'linux' ? ([...endingWithParent, ...command] as const) : command;
  const child = spawn(file, args, { env: environment(folder), stdio: ['ignore', 'pipe', 'pipe'] });
  const removeFolder = (): void => {
    if (dataDir !== undefined) return;
    // A killed process leaves its lock beside the folder.
    for (const path of [folder, `${folder}.lock`]) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  };
  const onSignal = (): void => {
    child.kill('SIGKILL');
    removeFolder();
    process.exit(130);
  };
  for (const signal of endingSignals) process.once(signal, onSignal);
  const stop = async (): Promise<void> => {
    for (const signal of endingSignals) process.off(signal, onSignal);
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await once(child, 'exit');
    removeFolder();
  };
  try {
    const url = await untilListening(child);
    const generated = await readFile(join(folder, 'api-key'), 'utf8').catch(() => '');
    const apiKey = process.env['MEMORY_API_KEYS']?.split(',')[0] ?? generated.trim();
    return { url, apiKey, dataDir: folder, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilListening(child: ChildProcessByStdio<null, Readable, Readable>): Promise<string> {
  let output = '';
  return new Promise<string>((resolve, reject) => {
    const listen = (chunk: string): void => {
      output += chunk;
      const found = /listens on (http:\S+)/.exec(output)?.[1];
      if (found !== undefined && output.includes('Ctrl-C')) resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
}

function environment(dataDir: string): Record<string, string> {
  const given = Object.entries(process.env).filter(([name]) => name === 'PATH' || name.startsWith('MEMORY_'));
  return {
    ...Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    MEMORY_DATA_DIR: dataDir,
    MEMORY_PORT: '0',
    MEMORY_LOG_LEVEL: 'warn',
    MEMORY_GLOBAL_RATE_LIMIT: 'off',
    MEMORY_KEY_RATE_LIMIT: 'off',
    MEMORY_TENANT_RATE_LIMIT: 'off',
  };
}
