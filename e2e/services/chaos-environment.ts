import { runSql } from '@memory-layer/shared/testing/run-sql';
import { startEmbeddingServer, type EmbeddingServer } from '../embedding-server.ts';
import { openSmallDisk, type SmallDisk, type SmallDiskOptions } from './chaos-disk.ts';
import { poison } from './chaos-request.ts';
import { createPrivateServers, type PrivateServers } from './servers.ts';
import type { ServiceName, ServiceProcess } from './service-process.ts';
import { createStack, type Stack } from './stack.ts';

/** A process that is started again when it is gone, elsewhere. */
export interface Replica {
  readonly name: ServiceName;
  process: ServiceProcess;
  /** Does not wait until it is ready. */
  startAgain(): Promise<void>;
}

/** Everything that a fault may stop, running. */
export interface Environment {
  readonly stack: Stack<PrivateServers>;
  readonly servers: PrivateServers;
  readonly embedding: EmbeddingServer;
  readonly apis: readonly Replica[];
  readonly embedWorkers: readonly Replica[];
  /** What the database writes its tables to; undefined where no such disk can be made. */
  readonly disk: SmallDisk | undefined;
  readonly apiKey: string;
  /** Waits until every process is ready. */
  allReady(): Promise<void>;
  /** Errors that the processes have logged, the dead ones too, with how often. */
  errorsLogged(): readonly string[];
  close(): Promise<void>;
}

const apiKey = 'a-key-for-the-chaos-suite';

// Times are short, so that lost work is found again soon.
const shortTimes = {
  MEMORY_EMBEDDING_TIMEOUT_MS: '1000',
  MEMORY_CIRCUIT_FAILURE_THRESHOLD: '3',
  MEMORY_CIRCUIT_RECOVERY_MS: '500',
  MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS: '200',
  MEMORY_EMBEDDING_JOB_BATCH_SIZE: '32',
  MEMORY_EMBEDDING_LEASE_MS: '3000',
  MEMORY_LOG_LEVEL: 'warn',
};

/** Two apis and two embed workers on PostgreSQL, Redis and an embedding server of their own. */
export async function startEnvironment(options: { readonly disk: SmallDiskOptions }): Promise<Environment> {
  const servers = await createPrivateServers();
  const embedding = await startEmbeddingServer();
  const stack = await createStack(servers);
  const disk = openSmallDisk(options.disk);
  const close = async (): Promise<void> => {
    await stack.close();
    await embedding.stop();
    disk?.remove();
  };
  try {
    embedding.isPoison = (text) => text.includes(poison);
    await Promise.all([servers.postgres.start(), servers.redis.start()]);
    if (disk !== undefined) await keepTablesOn(disk, servers);
    await stack.migrate();
    const replicas = await startReplicas(stack, { ...embedding.env, ...shortTimes, MEMORY_API_KEYS: apiKey });
    return { ...replicas, stack, servers, embedding, disk, apiKey, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startReplicas(stack: Stack, env: Readonly<Record<string, string>>) {
  const all: ServiceProcess[] = [];
  async function spawn(name: ServiceName): Promise<ServiceProcess> {
    const service = await stack.spawn(name, env);
    all.push(service);
    return service;
  }
  async function replicate(name: ServiceName): Promise<Replica> {
    const replica = {
      name,
      process: await spawn(name),
      async startAgain() {
        replica.process = await spawn(name);
      },
    };
    return replica;
  }
  const apis = [await replicate('api'), await replicate('api')];
  const embedWorkers = [await replicate('embed-worker'), await replicate('embed-worker')];

  return {
    apis,
    embedWorkers,
    async allReady() {
      await Promise.all([...apis, ...embedWorkers].map((replica) => replica.process.ready()));
    },
    errorsLogged: () => errorsOf(all),
  };
}

/** All but the write-ahead log: a full disk then refuses rows, as 53100, and the server lives on. */
async function keepTablesOn(disk: SmallDisk, { db }: PrivateServers): Promise<void> {
  await runSql(db, `create tablespace small location '${disk.folder}'`);
  await runSql(db, 'alter database postgres set default_tablespace = small');
}

function errorsOf(processes: readonly ServiceProcess[]): string[] {
  const times = new Map<string, number>();
  for (const service of processes) {
    for (const { level, msg, err } of service.logs()) {
      if (level !== 'error' && level !== 'fatal') continue;
      const line = `${service.name}: ${msg}: ${reasonOf(err)}`;
      times.set(line, (times.get(line) ?? 0) + 1);
    }
  }
  return [...times].map(([line, count]) => `${count} × ${line}`);
}

function reasonOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError ? String(error.message) : JSON.stringify(error);
}
