import { execFileSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import type { RestartableServer } from './restartable-server.ts';
import type { ThrowawayServer } from './run-beside-server.ts';
import { endingWithParent, endServer, giveToServer, launch, serverFolder, serverUser } from './server-process.ts';

// The same on every machine, whatever its settings.
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };

/** Settings of a server, by name. */
type Settings = Readonly<Record<string, string>>;

const settings: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Files instead of /dev/shm, which is 64 MB in a container: too small for parallel index builds.
  dynamic_shared_memory_type: 'mmap',
  // No test takes the machine's power away: what is written survives the server without waiting for the disk.
  fsync: 'off',
  full_page_writes: 'off',
  // Suites open many small pools.
  max_connections: '200',
};

// Nothing outlives the server, so nothing waits for a commit to be written.
const forgetful: Settings = { synchronous_commit: 'off' };
// What is measured waits for the disk, as in production.
const durable: Settings = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', shared_buffers: '1GB' };

/** Starts PostgreSQL from the programs in `bin` on a fresh cluster in the temporary folder; a password guards it. */
export async function startPostgres(bin: string, signal: AbortSignal, isDurable: boolean): Promise<ThrowawayServer> {
  const cluster = await createPostgresCluster(bin, isDurable ? durable : forgetful);
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    // PostgreSQL's fast shutdown: it does not wait for clients.
    if (server) await endServer(server, 'SIGINT');
    cluster.remove();
  };
  try {
    server = await cluster.run(signal);
    return { url: cluster.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A fresh cluster in the temporary folder, not running. What it has committed survives its being killed. */
export async function createPostgresCluster(bin: string, extra: Settings = {}): Promise<RestartableServer> {
  const folder = serverFolder('postgres');
  try {
    const password = await initialise(bin, folder);
    return clusterIn(folder, { bin, password, port: await freePort(), extra });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A fresh cluster and standbys that stream from it, none of them running. The standbys begin as copies of it, made
 * before its first start, so that no base backup is needed; the cluster keeps what they have not read.
 */
export async function createPostgresWithStandbys(bin: string, standbys: number): Promise<readonly RestartableServer[]> {
  const folders = Array.from({ length: standbys + 1 }, () => serverFolder('postgres'));
  const [primary = '', ...copies] = folders;
  try {
    const password = await initialise(bin, primary);
    const port = await freePort();
    const from = `host=127.0.0.1 port=${port} user=postgres password=${password}`;
    const servers = [clusterIn(primary, { bin, password, port, extra: { wal_keep_size: '1GB' } })];
    for (const folder of copies) {
      copyCluster(primary, folder);
      const extra = { primary_conninfo: from, wal_retrieve_retry_interval: '100ms' };
      servers.push(clusterIn(folder, { bin, password, port: await freePort(), extra }));
    }
    return servers;
  } catch (error) {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function copyCluster(from: string, to: string): void {
  const options = { cwd: to, stdio: 'ignore', ...serverUser() } as const;
  execFileSync('cp', ['-a', join(from, 'data'), 'data'], options);
  execFileSync('touch', ['data/standby.signal'], options);
}

interface ClusterOptions {
  readonly bin: string;
  readonly password: string;
  readonly port: number;
  readonly extra: Settings;
}

/** The cluster whose data lie in a folder. */
function clusterIn(folder: string, { bin, password, port, extra }: ClusterOptions): RestartableServer {
  const options = Object.entries({ ...settings, ...extra }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [join(bin, 'postgres'), '-D', 'data', '-p', String(port), ...options];
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async run(signal) {
      const server = launch([...endingWithParent('INT'), ...command], folder, 'server.log', env);
      try {
        await untilReady(server, folder, signal);
        return server;
      } catch (error) {
        await endServer(server, 'SIGINT');
        throw error;
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Makes the cluster and returns its superuser's password. */
async function initialise(bin: string, folder: string): Promise<string> {
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveToServer(passwordFile);
  const options = ['-D', 'data', '-U', 'postgres', '-E', 'UTF8', '--no-sync'];
  const access = ['--auth=scram-sha-256', '--pwfile=password'];
  // Never interrupted: its children would go on writing into the folder that is being removed.
  const initdb = launch([join(bin, 'initdb'), ...options, ...access], folder, 'initdb.log', env);
  await once(initdb, 'exit');
  if (initdb.exitCode !== 0) throw new Error(`initdb failed:\n${readFileSync(join(folder, 'initdb.log'), 'utf8')}`);
  return password;
}

/**
 * Ready is what the server itself writes into its pid file: its port answers before it lets anyone in. One that was
 * killed has left its file behind, with its own pid in the first line.
 */
async function untilReady(server: ChildProcess, folder: string, signal: AbortSignal): Promise<void> {
  const status = join(folder, 'data/postmaster.pid');
  for (let attempt = 0; attempt < 600 && server.exitCode === null; attempt += 1) {
    const lines = existsSync(status) ? readFileSync(status, 'utf8').split('\n') : [];
    if (lines[0] === String(server.pid) && lines.some((line) => ['ready', 'standby'].includes(line.trim()))) return;
    await delay(50, undefined, { signal });
  }
  throw new Error(`PostgreSQL did not start:\n${readFileSync(join(folder, 'server.log'), 'utf8')}`);
}
