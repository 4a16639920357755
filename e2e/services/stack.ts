import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient, type ApiClient } from '../api-client.ts';
import { freePort, type Servers } from './servers.ts';
import { spawnService, type ServiceName, type ServiceProcess } from './service-process.ts';

const apiKey = 'a-key-for-the-services-suite';

/** Converted once, and used by every file of this suite. */
export const modelCacheDir = join(tmpdir(), 'memory-layer-test', 'models');

type Env = Readonly<Record<string, string>>;

/** One process of every kind. */
export interface Services {
  readonly api: ServiceProcess;
  readonly embedWorker: ServiceProcess;
  readonly retentionWorker: ServiceProcess;
  readonly all: readonly ServiceProcess[];
}

/** Services on the same servers. */
export interface Stack<S extends Servers = Servers> {
  readonly servers: S;
  readonly apiKey: string;
  /** Starts a process; does not wait for it. */
  spawn(name: ServiceName, env?: Env): Promise<ServiceProcess>;
  /** Starts a process and waits until it is ready. */
  start(name: ServiceName, env?: Env): Promise<ServiceProcess>;
  /** One of every kind; not waited for. */
  spawnAll(env?: Env): Promise<Services>;
  /** One of every kind, ready. */
  startAll(env?: Env): Promise<Services>;
  /** Runs `migrate` to its end. @throws when it fails. */
  migrate(): Promise<ServiceProcess>;
  clientOf(api: ServiceProcess, key?: string): ApiClient;
  /** Ends every process that still runs, then the servers. */
  close(): Promise<void>;
}

const testing: Env = {
  // Times are short, so that tests are.
  MEMORY_DATABASE_CONNECT_TIMEOUT_MS: '2000',
  MEMORY_EMBEDDING_SWEEP_MS: '300',
  MEMORY_EMBEDDING_LEASE_MS: '5000',
  // Counted, but never used up.
  MEMORY_GLOBAL_RATE_LIMIT: '1000000/second',
  MEMORY_KEY_RATE_LIMIT: '1000000/second',
  MEMORY_TENANT_RATE_LIMIT: '1000000/second',
};

export async function createStack<S extends Servers>(servers: S): Promise<Stack<S>> {
  // An empty folder: services read `.env` of the folder they are started in.
  const cwd = await mkdtemp(join(tmpdir(), 'memory-layer-services-'));
  const processes: ServiceProcess[] = [];
  const common: Env = {
    MEMORY_DATABASE_URL: servers.databaseUrl,
    MEMORY_REDIS_URL: servers.redisUrl,
    MEMORY_REDIS_PREFIX: `{services-${process.pid}-${Date.now()}}`,
    MEMORY_API_KEYS: apiKey,
    MEMORY_EMBEDDING_PROVIDER: 'bundled',
    MEMORY_RETENTION_MAX_AGE_DAYS: '30',
    MEMORY_RETENTION_AGE_OF: 'created',
    MEMORY_RETENTION_IMPORTANCE_THRESHOLD: '0.35',
    MEMORY_RETENTION_DELETE_AFTER_DAYS: '90',
    MEMORY_EMBEDDING_THREADS: '1',
    MEMORY_MODEL_CACHE_DIR: modelCacheDir,
    ...testing,
  };

  async function spawn(name: ServiceName, env: Env = {}): Promise<ServiceProcess> {
    const [port, opsPort] = await Promise.all([freePort(), freePort()]);
    const service = spawnService(name, { cwd, port, opsPort, env: { ...common, ...env } });
    processes.push(service);
    return service;
  }

  async function spawnAll(env?: Env): Promise<Services> {
    const [api, embedWorker, retentionWorker] = [
      await spawn('api', env),
      await spawn('embed-worker', env),
      await spawn('retention-worker', env),
    ];
    return { api, embedWorker, retentionWorker, all: [api, embedWorker, retentionWorker] };
  }

  return {
    servers,
    apiKey,
    spawn,
    spawnAll,
    async startAll(env) {
      const services = await spawnAll(env);
      await Promise.all(services.all.map((service) => service.ready()));
      return services;
    },
    async start(name, env) {
      const service = await spawn(name, env);
      await service.ready();
      return service;
    },
    async migrate() {
      const service = await spawn('migrate');
      const { code } = await service.ended();
      if (code !== 0) throw new Error(`migrate ended with ${code}:\n${service.output()}`);
      return service;
    },
    clientOf: ({ url }, key = apiKey) => createApiClient({ url, apiKey: key }),
    async close() {
      await Promise.all(processes.map((service) => service.kill('SIGKILL')));
      await servers.close();
      await rm(cwd, { recursive: true, force: true });
    },
  };
}
