import type { ConnectionConfig } from '../db/connection.ts';
import { BullmqConsumer } from './bullmq-consumer.ts';
import { createBullmqProducer, createBullmqScheduler } from './bullmq-producer.ts';
import { createPostgresDriver } from './postgres-driver.ts';
import type { QueueDriver } from './queue-driver.ts';
import { createQueueHandle, type QueueHandle } from './queue-handle.ts';
import type { QueueBackend } from './queue-port.ts';
import { createRedisDriver } from './redis-driver.ts';
import type { RedisTarget } from '../redis/redis-target.ts';

interface CommonOptions {
  /** Longest time any call of a producer or scheduler takes. Default 1 000. */
  readonly timeoutMs?: number;
  /** How long an open breaker refuses calls before it tries again. Default 2 000. */
  readonly resetAfterMs?: number;
  /** Trouble of the connections themselves; they are re-established without help. */
  readonly onError?: (error: Error) => void;
}

export interface RedisQueueOptions extends CommonOptions {
  readonly kind: 'redis';
  readonly target: RedisTarget;
  /** Start of every key. Braces keep all keys in one slot of a Redis Cluster. Default `{memory-layer}`. */
  readonly prefix?: string;
}

export interface PostgresQueueOptions extends CommonOptions {
  readonly kind: 'postgres';
  readonly connection: ConnectionConfig;
  /** Default `bullmq`. Must have been made by `migrateQueueSchema`. */
  readonly schema?: string;
}

export type QueueBackendOptions = RedisQueueOptions | PostgresQueueOptions;

/**
 * The job queue: BullMQ on Redis, or on PostgreSQL where there is no Redis.
 *
 * `start` does not fail when the datastore is away: producers say `unavailable` until it is there.
 */
export function createQueueBackend(options: QueueBackendOptions): QueueBackend {
  const driver = createDriver(options);
  const guardOptions = { timeoutMs: options.timeoutMs ?? 1_000, resetAfterMs: options.resetAfterMs ?? 2_000 };
  const handles = new Set<QueueHandle>();

  function openHandle(name: string): QueueHandle {
    const handle = createQueueHandle(driver, name, guardOptions);
    handles.add(handle);
    return handle;
  }

  return {
    id: 'queue',
    start: () => driver.connect(),
    async stop() {
      await Promise.all([...handles].map((handle) => handle.close()));
      handles.clear();
      await driver.close();
    },
    async health() {
      try {
        await driver.ping();
        return { status: 'ok' };
      } catch {
        return { status: 'down', detail: `${options.kind} does not answer` };
      }
    },
    createProducer: (queue) => createBullmqProducer(queue, openHandle(queue.name)),
    createScheduler: (queue) => createBullmqScheduler(queue, openHandle(queue.name)),
    createConsumer: (queue, handlers, consumerOptions) => new BullmqConsumer(driver, queue, handlers, consumerOptions),
  };
}

function createDriver(options: QueueBackendOptions): QueueDriver {
  const { timeoutMs = 1_000, onError = () => undefined } = options;
  return options.kind === 'redis'
    ? createRedisDriver({ target: options.target, prefix: options.prefix ?? '{memory-layer}', timeoutMs, onError })
    : createPostgresDriver({
        connection: options.connection,
        schema: options.schema ?? 'bullmq',
        timeoutMs,
        onError,
      });
}
