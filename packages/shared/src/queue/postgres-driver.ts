import { createPostgresBackend, withBackend, type PostgresPoolConfig } from 'bullmq';
import { withConnection, type ConnectionConfig } from '../db/connection.ts';
import { AppError } from '../errors/app-error.ts';
import { keptEvents, workerRetryDelayMs, type BullQueue, type OpenWorker, type QueueDriver } from './queue-driver.ts';

const { Queue, Worker } = withBackend(createPostgresBackend);

export interface PostgresDriverOptions {
  /** As for `pg`; a `stream` factory is honoured. */
  readonly connection: ConnectionConfig;
  /** Schema that holds BullMQ's tables and functions: see `migrateQueueSchema`. */
  readonly schema: string;
  /** Longest wait for a connection, and for an answer to a query of a producer. */
  readonly timeoutMs: number;
  readonly onError: (error: Error) => void;
}

/** BullMQ on PostgreSQL. Each producer has a small pool; each worker has a pool and one connection that listens. */
export function createPostgresDriver(options: PostgresDriverOptions): QueueDriver {
  const { schema, timeoutMs } = options;
  // As an object and not as a pool, since BullMQ sets the search_path only on pools it makes. It hands the whole
  // object to `new pg.Pool`, which takes more than BullMQ's type of it knows (such as a password function).
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const connection = { ...options.connection, schema, connectionTimeoutMillis: timeoutMs } as PostgresPoolConfig;

  return {
    connect: () => Promise.resolve(),

    async ping() {
      const within = { ...options.connection, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs };
      await withConnection(within, (client) => client.query('SELECT 1'), options.onError);
    },

    openQueue(name): BullQueue {
      const queueOptions = {
        connection: { ...connection, max: 4, query_timeout: timeoutMs },
        streams: { events: { maxLen: keptEvents } },
      };
      const queue = new Queue<unknown, unknown, string>(name, queueOptions);
      queue.on('error', options.onError);
      return queue;
    },

    async openWorker(name, processor, { concurrency, onError }): Promise<OpenWorker> {
      const workerOptions = {
        connection: { ...connection, max: Math.min(concurrency + 1, 8) },
        concurrency,
        autorun: false,
        runRetryDelay: workerRetryDelayMs,
      };
      const worker = new Worker<unknown, void, string>(name, processor, workerOptions);
      worker.on('error', onError);
      try {
        await worker.waitUntilReady();
      } catch (cause) {
        // BullMQ remembers a failed first connection for good, so this worker is of no use any more.
        await worker.close(true);
        throw new AppError('unavailable', 'the job queue is not reachable', { cause });
      }
      return { worker, close: (force) => worker.close(force) };
    },

    close: () => Promise.resolve(),
  };
}
