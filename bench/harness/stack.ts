import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql, type Kysely } from 'kysely';
import type { Schema } from '@memory-layer/shared/db/schema';
import { freePort, startProcess, type BenchProcess } from './child-process.ts';
import { postgresPidOf, redisPidOf } from './process-use.ts';
import { createScratchDatabase } from './scratch-database.ts';

export type ServiceName = 'api' | 'embed-worker' | 'retention-worker';

/** Services as a release runs them, on a database of their own. */
export interface Stack extends AsyncDisposable {
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** A name of its own in Redis: nothing of others is read or flushed. */
  readonly redisPrefix: string;
  readonly db: Kysely<Schema>;
  /** Undefined when the server is on another machine. */
  readonly postgresPid: number | undefined;
  /** The same; the baselines' and the services' Redis. */
  readonly redisPid: number | undefined;
  /** Starts a service and waits until it is ready. Niceness is of all its threads. */
  start(
    name: ServiceName,
    options?: { readonly nice?: number; readonly env?: Readonly<Record<string, string>> },
  ): Promise<BenchProcess>;
  /** Where the services keep the converted model. */
  readonly modelCacheDir: string;
  startBareServer(): Promise<BenchProcess>;
  /** Empties every table of tenants' data. Jobs in the queue are left: they are only wake-ups. */
  forgetMessages(): Promise<void>;
  countPending(): Promise<number>;
}

const apiKey = 'a-key-for-the-baseline-bench';

/** What is measured has all that runs in production: auth, limits, logs, metrics. */
const limitsSetHigh = {
  MEMORY_GLOBAL_RATE_LIMIT: '1000000/second',
  MEMORY_KEY_RATE_LIMIT: '1000000/second',
  MEMORY_TENANT_RATE_LIMIT: '1000000/second',
};

// Known tenants are left: a service may remember that it has written them.
const tablesOfTenants = sql<{ name: string }>`
  select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attname = 'tenant_id' and c.relname not in ('tenant', 'api_key')
`;

/**
 * Makes a database on the server of TEST_DATABASE_URL for the services, which use the Redis of TEST_REDIS_URL.
 *
 * @param folder for logs and the converted model
 * @param more variables for the services; MEMORY_EMBEDDING_ and MEMORY_MODEL_ variables of this process reach them too
 * @throws when there are no such servers: tooling/with-postgres.ts and tooling/with-redis.ts start them
 */
export async function createStack(folder: string, more: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const redisUrl = process.env['TEST_REDIS_URL'];
  if (redisUrl === undefined) throw new Error('needs TEST_REDIS_URL: tooling/with-redis.ts starts a server');
  const scratch = await createScratchDatabase();
  const db = scratch.database.queries;
  const backend = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  const redisPrefix = `{memory-layer-bench-${process.pid}}`;
  const given = Object.entries(process.env).filter(([name]) => /^MEMORY_(?:EMBEDDING|MODEL)_/.test(name));
  const env = {
    PATH: process.env['PATH'] ?? '',
    MEMORY_DATABASE_URL: scratch.url,
    MEMORY_REDIS_URL: redisUrl,
    MEMORY_REDIS_PREFIX: redisPrefix,
    MEMORY_API_KEYS: apiKey,
    MEMORY_EMBEDDING_PROVIDER: 'bundled',
    MEMORY_MODEL_CACHE_DIR: join(folder, 'models'),
    ...limitsSetHigh,
    ...Object.fromEntries(given.map(([name, value = '']) => [name, value])),
    ...more,
  };

  return {
    apiKey,
    databaseUrl: scratch.url,
    redisUrl,
    redisPrefix,
    db,
    postgresPid: isLocal(scratch.url) ? postgresPidOf(backend.rows[0]?.pid ?? 0) : undefined,
    redisPid: isLocal(redisUrl) ? await redisPidOf(redisUrl) : undefined,
    modelCacheDir: env.MEMORY_MODEL_CACHE_DIR,
    async start(name, { nice, env: own = {} } = {}) {
      const [port, opsPort] = [await freePort(), await freePort()];
      const main = fileURLToPath(new URL(`../../services/${name}/dist/main.js`, import.meta.url));
      // As the images start them.
      const node = [process.execPath, ...(name === 'api' ? ['--max-semi-space-size=64'] : []), main];
      return startProcess({
        name,
        command: nice === undefined ? node : ['nice', '-n', String(nice), ...node],
        cwd: folder,
        env: { ...env, ...own, MEMORY_PORT: String(port), MEMORY_OPS_PORT: String(opsPort) },
        logFile: join(folder, `${name}.log`),
        url: `http://127.0.0.1:${port}`,
        readyUrl: `http://127.0.0.1:${opsPort}/readyz`,
      });
    },
    async startBareServer() {
      const port = await freePort();
      const main = fileURLToPath(new URL('../baseline-comparison/bare-server.ts', import.meta.url));
      const url = `http://127.0.0.1:${port}`;
      const command = [process.execPath, main, String(port)];
      const logFile = join(folder, 'bare-server.log');
      return startProcess({ name: 'bare server', command, cwd: folder, env, logFile, url, readyUrl: `${url}/livez` });
    },
    async forgetMessages() {
      const found = await tablesOfTenants.execute(db);
      await sql`truncate ${sql.join(found.rows.map(({ name }) => sql.id(name)))} cascade`.execute(db);
    },
    countPending: () => countPending(db),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

async function countPending(db: Kysely<Schema>): Promise<number> {
  const found = await sql<{ n: string }>`
    select count(*) as n from embedding_pending where state = 'pending'`.execute(db);
  return Number(found.rows[0]?.n ?? 0);
}

function isLocal(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
