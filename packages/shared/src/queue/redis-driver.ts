import { Queue, Worker } from 'bullmq';

import { AppError } from '../errors/app-error.ts';
import { keptEvents, workerRetryDelayMs, type BullQueue, type OpenWorker, type QueueDriver } from './queue-driver.ts';
import { createRedisClients, untilReady, type RedisClient, withoutCommands } from '../redis/redis-client.ts';
import type { RedisTarget } from '../redis/redis-target.ts';

export interface RedisDriverOptions {
  readonly target: RedisTarget;
  readonly prefix: string;
  /** Longest wait for an answer to a command of a producer. */
  readonly timeoutMs: number;
  readonly onError: (error: Error) => void;
}

/**
 * BullMQ on Redis. Producers share one connection that fails fast; each worker has two that wait for Redis to return.
 *
 * @throws ConfigError when the file with the certificate authority cannot be read.
 */
export function createRedisDriver({ target, prefix, timeoutMs, onError }: RedisDriverOptions): QueueDriver {
  const clients = createRedisClients(target);
  let producerClient: RedisClient | undefined;
  let closed = false;

  function producer(): RedisClient {
    if (closed) throw new AppError('unavailable', 'the job queue is closed');
    producerClient ??= clients.openProducer(timeoutMs, onError);
    return producerClient;
  }

  return {
    async connect() {
      await untilReady(producer(), timeoutMs);
    },

    async ping() {
      await producer().ping();
    },

    openQueue(name): BullQueue {
      const queue = new Queue<unknown, unknown, string>(name, {
        connection: producer(),
        prefix,
        streams: { events: { maxLen: keptEvents } },
        // Both would wait for Redis, or fail for good, if it is away just now.
        skipWaitingForReady: true,
        skipVersionCheck: true,
      });
      queue.on('error', () => undefined); // The client's own listener reports it already.
      return queue;
    },

    openWorker(name, processor, options): Promise<OpenWorker> {
      const client = clients.openWorker();
      const worker = new Worker<unknown, void, string>(name, processor, {
        connection: client,
        prefix,
        concurrency: options.concurrency,
        autorun: false,
        runRetryDelay: workerRetryDelayMs,
      });
      worker.on('error', (error) => options.onError(withoutCommands(error)));
      const close = async (force: boolean): Promise<void> => {
        await worker.close(force);
        client.disconnect();
      };
      return Promise.resolve({ worker, close });
    },

    close() {
      closed = true;
      producerClient?.disconnect();
      return Promise.resolve();
    },
  };
}
