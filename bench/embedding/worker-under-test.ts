import path from 'node:path';
import type { Schema } from '@memory-layer/shared/db/schema';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import type { Producer, QueueBackend } from '@memory-layer/shared/queue/queue-port';
import { parseRedisUrl } from '@memory-layer/shared/redis/redis-url';
import { sql, type Kysely } from 'kysely';
import { cpuPerMessage, cpuUse, findByTitle, parentOf, type CpuUse, type Measured } from './cpu-use.ts';
import * as pending from './pending-messages.ts';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.ts';
import { storeVectors, untilIndexed } from './stored-vectors.ts';
import { WorkerProcess } from './worker-process.ts';

export interface WorkerOptions {
  readonly model: string;
  readonly dimension: number;
  readonly tenants: number;
  /** Vectors that the one tenant has already. */
  readonly stored: number;
  readonly threads: number;
  readonly niceness: number;
  readonly built: boolean;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly cacheDir: string;
  readonly workerEnv: Readonly<Record<string, string>>;
  readonly logFile: string | undefined;
  readonly nodeOptions: readonly string[];
}

export interface WorkerRound {
  /** From the first job to the last committed vector. */
  readonly seconds: number;
  /** By who used it; undefined where there is no /proc. */
  readonly cpuMsPerMessage: CpuUse | undefined;
}

const opsPort = 19_465;
const largeTenant = 'large';

/** An embed worker with a database and a queue of its own, and everything that is done to it from outside. */
export class WorkerUnderTest {
  readonly db: Kysely<Schema>;
  readonly producer: Producer<typeof embeddingQueue>;
  readonly generation: number;
  readonly #tenants: number;
  readonly #stored: number;
  readonly #scratch: ScratchDatabase;
  readonly #queues: QueueBackend;
  readonly #process: WorkerProcess;
  readonly #redisPort: string;
  #measured: Measured | undefined;
  #rounds = 0;

  private constructor(options: WorkerOptions, parts: Parts) {
    this.#tenants = options.tenants;
    this.#stored = options.stored;
    this.#scratch = parts.scratch;
    this.#queues = parts.queues;
    this.#process = parts.worker;
    this.#redisPort = new URL(options.redisUrl).port;
    this.db = parts.scratch.database.queries;
    this.producer = parts.queues.createProducer(embeddingQueue);
    this.generation = parts.generation;
  }

  static async start(options: WorkerOptions): Promise<WorkerUnderTest> {
    const scratch = await createScratchDatabase(options.databaseUrl);
    // A name of its own in Redis: nothing of others is read or flushed.
    const prefix = `{${path.basename(new URL(scratch.url).pathname)}}`;
    const queues = openQueues(options.redisUrl, prefix);
    await queues.start();
    const env = environment(options, scratch.url, prefix);
    const worker = await WorkerProcess.start({ ...options, opsPort, env });
    const generation = await pending.activeGeneration(scratch.database.queries);
    return new WorkerUnderTest(options, { scratch, queues, worker, generation });
  }

  /** Has the texts embedded as messages of small tenants that have just been stored. */
  async embed(texts: readonly string[]): Promise<WorkerRound> {
    await pending.clear(this.db);
    this.#rounds += 1;
    const prefix = this.#stored > 0 ? largeTenant : `r${this.#rounds}`;
    const messages = pending.spread(texts, this.#tenants, prefix);
    this.#measured ??= await this.#findProcesses();
    await pending.storePending(this.db, this.generation, messages);
    const before = cpuUse(this.#measured);
    const started = performance.now();
    const tenantIds = messages.map((message) => message.tenantId);
    await Promise.all([pending.enqueueFor(this.producer, this.generation, tenantIds), pending.untilEmbedded(this.db)]);
    const seconds = (performance.now() - started) / 1000;
    const after = cpuUse(this.#measured);
    await pending.expectVectors(this.db, texts.length);
    const cpuMsPerMessage = before && after ? cpuPerMessage(before, after, texts.length) : undefined;
    return { seconds, cpuMsPerMessage };
  }

  /** Gives the large tenant the vectors that it has already, if there is one. */
  async store(): Promise<void> {
    if (this.#stored > 0) await storeVectors(this.db, `${largeTenant}-0`, this.generation, this.#stored);
  }

  /** Waits until the worker has built the index of what was stored before. */
  async untilIndexed(): Promise<void> {
    if (this.#stored > 0) await untilIndexed(this.db, 0.9 * this.#stored);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#queues.stop();
    await this.#scratch.drop();
  }

  async #findProcesses(): Promise<Measured> {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(this.db);
    const backend = rows[0]?.pid;
    const isLinux = process.platform === 'linux';
    const redisPid = isLinux ? findByTitle('redis-server', `:${this.#redisPort}`) : undefined;
    return {
      workerPid: this.#process.pid,
      postgresPid: isLinux && backend !== undefined ? parentOf(backend) : undefined,
      redisPid,
    };
  }
}

interface Parts {
  readonly scratch: ScratchDatabase;
  readonly queues: QueueBackend;
  readonly worker: WorkerProcess;
  readonly generation: number;
}

function openQueues(redisUrl: string, prefix: string): QueueBackend {
  const url = parseRedisUrl(redisUrl);
  if ('problem' in url) throw new Error(`--redis ${url.problem}`);
  const { host, port, username, password, db } = url;
  const target = { kind: 'single', host, port, username, password, db, tls: undefined } as const;
  return createQueueBackend({ kind: 'redis', target, prefix, timeoutMs: 20_000 });
}

function environment(options: WorkerOptions, databaseUrl: string, prefix: string): Record<string, string> {
  const model =
    options.model === 'bundled'
      ? { MEMORY_EMBEDDING_PROVIDER: 'bundled' }
      : {
          MEMORY_EMBEDDING_PROVIDER: 'transformers',
          MEMORY_EMBEDDING_MODEL_PATH: path.resolve(options.model),
          MEMORY_EMBEDDING_DIMENSIONS: String(options.dimension),
        };
  return {
    MEMORY_DATABASE_URL: databaseUrl,
    MEMORY_REDIS_URL: options.redisUrl,
    MEMORY_REDIS_PREFIX: prefix,
    MEMORY_MODEL_CACHE_DIR: options.cacheDir,
    MEMORY_EMBEDDING_THREADS: String(options.threads),
    MEMORY_EMBEDDING_NICE: String(options.niceness),
    ...model,
    ...options.workerEnv,
  };
}
