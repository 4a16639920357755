import { AppError } from '../errors/app-error.ts';
import type { QueueDefinition } from './define-queue.ts';
import { createOutageGuard, type OutageGuardOptions } from './outage-guard.ts';
import type { BullQueue, QueueDriver } from './queue-driver.ts';

/** A BullMQ queue that is opened on first use, and opened again when opening has failed. */
export interface QueueHandle {
  /** @throws AppError `unavailable` */
  readonly run: <Result>(operation: (queue: BullQueue) => Promise<Result>) => Promise<Result>;
  close(): Promise<void>;
}

export function createQueueHandle(driver: QueueDriver, name: string, options: OutageGuardOptions): QueueHandle {
  const guard = createOutageGuard(options);
  let open: BullQueue | undefined;
  let closed = false;

  async function ready(): Promise<BullQueue> {
    if (closed) throw new AppError('unavailable', `queue "${name}" is closed`);
    const queue = (open ??= driver.openQueue(name));
    try {
      await queue.waitUntilReady();
    } catch (error) {
      // BullMQ remembers a failed first connection for good: the next call needs a new queue.
      if (open === queue) open = undefined;
      await queue.close().catch(() => undefined);
      throw error;
    }
    return queue;
  }

  return {
    run: (operation) => guard.run(async () => operation(await ready())),

    async close() {
      closed = true;
      guard.stop();
      const queue = open;
      open = undefined;
      await queue?.close();
    },
  };
}

/** What callers name in the datastore: BullMQ reserves `:`. */
export function assertUsableId(kind: 'deduplicationId' | 'schedulerId', id: string): void {
  if (!/^[A-Za-z0-9_.%-]{1,200}$/.test(id)) throw new AppError('internal', `"${id}" cannot be a ${kind}`);
}

/** @throws AppError `internal`: what goes into a queue is made by this system, so a wrong payload is a bug. */
export function parsePayload(queue: QueueDefinition, jobName: string, payload: unknown): unknown {
  const result = queue.jobs[jobName]?.schema.safeParse(payload);
  if (result === undefined) throw new AppError('internal', `queue "${queue.name}" has no job "${jobName}"`);
  if (!result.success) {
    throw new AppError('internal', `payload of job "${jobName}" is not valid`, { cause: result.error });
  }
  return result.data;
}
