import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startProcess } from '../harness/child-process.ts';
import { makeFolder } from '../harness/report.ts';
import type { Target } from './memory-client.ts';

export interface OwnServer extends Target, AsyncDisposable {
  readonly dataDir: string;
}

const main = fileURLToPath(new URL('../../services/standalone/main.ts', import.meta.url));

/**
 * Starts what `pnpm start` starts, on a free port. Without `given` it has a temporary folder, which goes with it.
 * MEMORY_ variables of this process reach it. @throws with the path of its log when it ends instead of starting.
 */
export async function startOwnServer(given: string | undefined): Promise<OwnServer> {
  const dataDir = await makeFolder(given, 'retrieval');
  const logFile = `${dataDir}.log`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const removeFolder = (): void => {
    if (given !== undefined) return;
    // A killed process leaves its lock beside the folder.
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(`${dataDir}.lock`, { recursive: true, force: true });
  };
  process.once('exit', removeFolder);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const server = await startProcess({
    name: 'standalone',
    command: [process.execPath, '--conditions=memory-layer-source', main],
    cwd: dataDir,
    env: environment(dataDir, port),
    logFile,
    url,
    readyUrl: `${url}/readyz`,
  });
  const generated = await readFile(join(dataDir, 'api-key'), 'utf8').catch(() => '');
  const apiKey = process.env['MEMORY_API_KEYS']?.split(',')[0] ?? generated.trim();
  const stop = async (): Promise<void> => {
    await server.stop();
    removeFolder();
    // Of a process that did not start, the log stays.
    rmSync(logFile, { force: true });
  };
  return { url, apiKey, dataDir, [Symbol.asyncDispose]: stop };
}

function environment(dataDir: string, port: number): Record<string, string> {
  const given = Object.entries(process.env).filter(([name]) => name === 'PATH' || name.startsWith('MEMORY_'));
  return {
    ...Object.fromEntries(given.map(([name, value = '']) => [name, value])),
    MEMORY_DATA_DIR: dataDir,
    MEMORY_PORT: String(port),
    MEMORY_LOG_LEVEL: 'warn',
    MEMORY_GLOBAL_RATE_LIMIT: 'off',
    MEMORY_KEY_RATE_LIMIT: 'off',
    MEMORY_TENANT_RATE_LIMIT: 'off',
  };
}
