import { eventually } from './eventually.ts';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { createQueueBackend } from '../queue/create-queue-backend.ts';
import type { Producer } from '../queue/queue-port.ts';
import { defineTestQueue, openProducer, startConsumer, type TestQueue } from '../queue/testing/test-queue.ts';
import type { RedisTarget } from '../redis/redis-target.ts';

export interface QueueRoundTrip {
  readonly producer: Producer<TestQueue>;
  /** Adds a job of a tenant and waits until a consumer has it. Adds it again while there is no Redis. */
  roundTrip(tenantId: string): Promise<void>;
  readonly health: () => Promise<unknown>;
  readonly errors: readonly Error[];
}

/** A queue of its own with a producer and a consumer, stopped at the end of the test. */
export async function openQueueRoundTrip(
  target: RedisTarget,
  prefix = `{test-${randomUUID()}}`,
): Promise<QueueRoundTrip> {
  const errors: Error[] = [];
  const onError = (error: Error): unknown => errors.push(error);
  const limits = { timeoutMs: 1_000, resetAfterMs: 50 };
  const backend = createQueueBackend({ kind: 'redis', target, prefix, ...limits, onError: (error) => onError(error) });
  onTestFinished(() => backend.stop());
  await backend.start();
  const queue = defineTestQueue();
  const producer = openProducer(backend, queue);
  const { completed } = await startConsumer(backend, queue, {}, { onError });
  return {
    producer,
    async roundTrip(tenantId) {
      await eventually(() => producer.add('notify', { v: 1, tenantId }));
      await eventually(() => expect(completed.map(({ payload }) => payload)).toContainEqual({ v: 1, tenantId }));
    },
    health: async () => backend.health?.(),
    errors,
  };
}

/** Redis lets nobody in by this target: that is said clearly, and the secret in no way. */
export async function expectRefusal(target: RedisTarget, expected: RegExp, secret: string): Promise<void> {
  const { producer, errors, health } = await openQueueRoundTrip(target);
  const refusal: unknown = await producer.add('notify', { v: 1, tenantId: 'acme' }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'unavailable' });
  expect(await health()).toMatchObject({ status: 'down' });
  await eventually(() => expect(errors.map(({ message }) => message).join('\n')).toMatch(expected));
  expect(inspect([refusal, errors], { depth: Infinity, showHidden: true })).not.toContain(secret);
}
