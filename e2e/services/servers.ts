// The tooling is no package: its servers are reached by path, and here alone.
// oxlint-disable no-restricted-imports
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { Database } from '@memory-layer/shared/db/database';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { postgresPrograms } from '../../tooling/servers/postgres-programs.ts';
import { createPostgresCluster, createPostgresWithStandbys } from '../../tooling/servers/postgres-server.ts';
import { createRedis } from '../../tooling/servers/redis-server.ts';
import type { RestartableServer } from '../../tooling/servers/restartable-server.ts';
import { endServer } from '../../tooling/servers/server-process.ts';

export { prepareBundledModel } from '@memory-layer/shared/embedding/bundled/prepare-bundled-model';
export { freePort } from '../../tooling/servers/free-port.ts';
export { giveToServer } from '../../tooling/servers/server-process.ts';

export type Queries = Database['queries'];

/** What services run on. */
export interface Servers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** For looking at what is stored. */
  readonly db: Queries;
  close(): Promise<void>;
}

/** A server of one test file's own, that can be taken away and brought back with its data. */
export interface FaultyServer {
  readonly url: string;
  start(): Promise<void>;
  /** As a machine does that loses its power: nothing is said, nothing is finished. */
  kill(): Promise<void>;
  /** It does nothing any more, but its connections stay open. */
  freeze(): void;
  thaw(): void;
  /** Ends it if it runs, and removes its data. */
  remove(): Promise<void>;
}

export interface PrivateServers extends Servers {
  readonly postgres: FaultyServer;
  readonly redis: FaultyServer;
  /** Forgets everything that Redis knows. */
  flushRedis(): Promise<void>;
}

/** Whether `pnpm test:services` has started the servers, or somebody has named others. */
export const serversAreGiven =
  process.env['TEST_DATABASE_URL'] !== undefined && process.env['TEST_REDIS_URL'] !== undefined;

/** A migrated database of its own on the server of TEST_DATABASE_URL, beside the Redis of TEST_REDIS_URL. */
export async function useGivenServers(): Promise<Servers> {
  const database = await startTestDatabase();
  const databaseUrl = database.connection.connectionString ?? '';
  const redisUrl = process.env['TEST_REDIS_URL'] ?? '';
  return { databaseUrl, redisUrl, db: database.db, close: () => database.stop() };
}

/** PostgreSQL and Redis of its own, neither of them running, the database without a schema. */
export async function createPrivateServers(): Promise<PrivateServers> {
  const bin = await postgresPrograms('17', AbortSignal.timeout(300_000));
  const postgres = toFaultyServer(await createPostgresCluster(bin), 'SIGINT');
  const redis = toFaultyServer(await createRedis({ appendonly: 'yes' }), 'SIGTERM');
  const database = openDatabase(postgres.url);
  return {
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    db: database.queries,
    postgres,
    redis,
    flushRedis: () => flushAll(redis.url),
    async close() {
      await database.stop();
      await Promise.all([postgres.remove(), redis.remove()]);
    },
  };
}

/** As {@link createPrivateServers}, with standbys that stream from PostgreSQL; Redis is the given one. */
export interface ReplicatedServers extends Servers {
  readonly primary: FaultyServer;
  readonly standbys: readonly FaultyServer[];
}

/** A PostgreSQL of its own and standbys that stream from it, all of them running, the database without a schema. */
export async function startReplicatedServers(standbyCount: number): Promise<ReplicatedServers> {
  const bin = await postgresPrograms('17', AbortSignal.timeout(300_000));
  const clusters = await createPostgresWithStandbys(bin, standbyCount);
  const [primary, ...standbys] = clusters.map((cluster) => toFaultyServer(cluster, 'SIGINT'));
  if (primary === undefined) throw new Error('no primary was made');
  await primary.start();
  await Promise.all(standbys.map((standby) => standby.start()));
  const database = openDatabase(primary.url);
  return {
    databaseUrl: primary.url,
    redisUrl: process.env['TEST_REDIS_URL'] ?? '',
    db: database.queries,
    primary,
    standbys,
    async close() {
      await database.stop();
      await Promise.all(standbys.map((standby) => standby.remove()));
      await primary.remove();
    },
  };
}

/** For looking at what a server knows. */
export function openDatabase(url: string): Database {
  return new Database({
    connection: { connectionString: url },
    poolSize: 2,
    acquireTimeoutMs: 5000,
    applicationName: 'test',
    onConnectionError: () => undefined,
  });
}

function toFaultyServer(server: RestartableServer, endSignal: 'SIGINT' | 'SIGTERM'): FaultyServer {
  let running: ChildProcess | undefined;
  return {
    url: server.url,
    async start() {
      running = await server.run(AbortSignal.timeout(60_000));
    },
    async kill() {
      if (running?.pid === undefined) return;
      // Stopped first, so that it starts no further children; they would outlive it and hold its memory.
      process.kill(running.pid, 'SIGSTOP');
      signalChildren(running.pid, 'SIGKILL');
      const exited = new Promise((resolve) => running?.once('exit', resolve));
      running.kill('SIGKILL');
      await exited;
      running = undefined;
    },
    freeze() {
      if (running?.pid === undefined) return;
      process.kill(running.pid, 'SIGSTOP');
      signalChildren(running.pid, 'SIGSTOP');
    },
    thaw() {
      if (running?.pid === undefined) return;
      signalChildren(running.pid, 'SIGCONT');
      process.kill(running.pid, 'SIGCONT');
    },
    async remove() {
      if (running) await endServer(running, endSignal);
      server.remove();
    },
  };
}

function signalChildren(pid: number, signal: NodeJS.Signals): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  for (const child of children) process.kill(Number(child), signal);
}

async function flushAll(url: string): Promise<void> {
  const { port, hostname } = new URL(url);
  const socket = createConnection(Number(port), hostname);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once('data', (data) => resolve(data.toString())).once('error', reject);
  socket.write('FLUSHALL\r\n');
  const answer = await promise;
  socket.destroy();
  if (answer !== '+OK\r\n') throw new Error(`FLUSHALL answered ${answer}`);
}
