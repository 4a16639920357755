import { once } from 'node:events';

import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';

import { AppError } from '../errors/app-error.ts';
import { keptEvents, workerRetryDelayMs, type BullQueue, type OpenWorker, type QueueDriver } from './queue-driver.ts';
import { openProducerClient, openWorkerClient } from '../redis/redis-client.ts';

export interface RedisDriverOptions {
  /** `redis://` or `rediss://`, with user, password and database number if needed. */
  readonly url: string;
  readonly prefix: string;
  /** Longest wait for an answer to a command of a producer. */
  readonly timeoutMs: number;
  readonly onError: (error: Error) => void;
}

/** BullMQ on Redis. Producers share one connection that fails fast; each worker has two that wait for Redis to return. */
export function createRedisDriver({ url, prefix, timeoutMs, onError }: RedisDriverOptions): QueueDriver {
  let producerClient: Redis | undefined;
  let closed = false;

  function producer(): Redis {
    if (closed) throw new AppError('unavailable', 'the job queue is closed');
    producerClient ??= openProducerClient(url, timeoutMs, onError);
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
      const client = openWorkerClient(url);
      const worker = new Worker<unknown, void, string>(name, processor, {
        connection: client,
        prefix,
        concurrency: options.concurrency,
        autorun: false,
        runRetryDelay: workerRetryDelayMs,
      });
      worker.on('error', options.onError);
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

/** Gives up at the first error or after `timeoutMs`: the client goes on connecting in the background. */
async function untilReady(client: Redis, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return;
  await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
}
