import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { giveToServer, serverUser } from './server-process.ts';

export type PostgresMajor = '15' | '17';

const recipe = readFileSync(new URL('fetch-postgres.sh', import.meta.url), 'utf8');

/**
 * The folder of `initdb` and `postgres`, with pgvector 0.8. Fetched from Debian the first time and kept in
 * $XDG_CACHE_HOME/memory-layer, or `.cache` of the checkout; a changed recipe fetches again.
 * @throws when the machine is no Debian, or its mirror cannot be reached; the script has said why on stderr
 */
export async function postgresPrograms(major: PostgresMajor, signal: AbortSignal): Promise<string> {
  const cache = cacheFolder();
  const root = join(cache, `${major}-${createHash('sha256').update(recipe).digest('hex').slice(0, 8)}`);
  if (!existsSync(root)) {
    mkdirSync(cache, { recursive: true });
    giveToServer(cache);
    console.error(`Fetching PostgreSQL ${major} with pgvector into ${root} (once; 100 MB)`);
    await fetch(major, root, signal);
  }
  return join(root, 'usr/lib/postgresql', major, 'bin');
}

function cacheFolder(): string {
  const ofUser = process.env['XDG_CACHE_HOME'];
  const checkout = fileURLToPath(new URL('../../.cache/postgres', import.meta.url));
  const preferred = ofUser ? join(ofUser, 'memory-layer/postgres') : checkout;
  // Root's servers run as nobody, who cannot reach a folder below /root.
  return serverUser() === undefined || isOpenToAll(preferred) ? preferred : '/var/cache/memory-layer/postgres';
}

function isOpenToAll(folder: string): boolean {
  const passable = !existsSync(folder) || (statSync(folder).mode & 0o001) !== 0;
  const parent = dirname(folder);
  return passable && (parent === folder || isOpenToAll(parent));
}

/** Runs the recipe, never as root, in a process group of its own so that an interruption ends its children too. */
async function fetch(major: PostgresMajor, root: string, signal: AbortSignal): Promise<void> {
  // As text: nobody may not be able to read the checkout.
  const script = ['-c', recipe, 'fetch-postgres', major, root];
  const stdio = ['ignore', process.stderr, 'inherit'] as const;
  const child = spawn('sh', script, { cwd: '/', detached: true, stdio: [...stdio], ...serverUser() });
  const end = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid);
  };
  signal.addEventListener('abort', end);
  try {
    await once(child, 'exit');
  } finally {
    signal.removeEventListener('abort', end);
  }
  if (child.exitCode !== 0) throw new Error(`PostgreSQL ${major} could not be fetched.`);
}
