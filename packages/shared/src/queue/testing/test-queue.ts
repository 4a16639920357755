import { randomUUID } from 'node:crypto';

import { onTestFinished } from 'vitest';
import { z } from 'zod';

import type { Component } from '../../lifecycle/component.ts';
import { defineQueue, type Handlers, type PayloadSchema } from '../define-queue.ts';
import type { ConsumerOptions, FailedJobReport, JobReport, Producer, QueueBackend } from '../queue-port.ts';

const payload = z.strictObject({ v: z.literal(1), tenantId: z.string() });
const tick = z.strictObject({ v: z.literal(1) });

function job<Schema extends PayloadSchema>(schema: Schema) {
  return { schema, attempts: 3, backoff: { type: 'exponential', delayMs: 5, jitter: 0.5 }, timeoutMs: 200 } as const;
}

/** A queue of its own for one test, with a notification, a job that may take long, and a repeatable job. */
export function defineTestQueue(name = `test-${randomUUID()}`) {
  return defineQueue({
    name,
    jobs: { notify: job(payload), toil: { ...job(payload), timeoutMs: 60_000 }, tick: job(tick) },
  });
}

/** A later version of the same queue, whose payloads the first one cannot read. */
export function defineNewerQueue(name: string) {
  return defineQueue({ name, jobs: { notify: job(tick), unhandled: job(tick) } });
}

export type TestQueue = ReturnType<typeof defineTestQueue>;

export const noHandlers: Handlers<TestQueue> = {
  notify: () => Promise.resolve(),
  toil: () => Promise.resolve(),
  tick: () => Promise.resolve(),
};

export interface RecordedEvents {
  readonly completed: JobReport[];
  readonly failed: FailedJobReport[];
  readonly unparseable: FailedJobReport[];
  readonly handedBack: JobReport[];
}

/** Starts a consumer that is stopped at the end of the test, and records what it reports. */
export async function startConsumer(
  backend: QueueBackend,
  queue: TestQueue,
  handlers: Partial<Handlers<TestQueue>>,
  options: Partial<ConsumerOptions> = {},
): Promise<RecordedEvents & { readonly consumer: Component }> {
  const events: RecordedEvents = { completed: [], failed: [], unparseable: [], handedBack: [] };
  const consumer = backend.createConsumer(
    queue,
    { ...noHandlers, ...handlers },
    {
      concurrency: 4,
      abortGraceMs: 50,
      onCompleted: (report) => events.completed.push(report),
      onFailed: (report) => events.failed.push(report),
      onUnparseable: (report) => events.unparseable.push(report),
      onHandedBack: (report) => events.handedBack.push(report),
      ...options,
    },
  );
  onTestFinished(() => consumer.stop());
  await consumer.start();
  return { ...events, consumer };
}

/** A handler that lasts until it is aborted. */
export function untilAborted({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

/** A producer that is closed at the end of the test. */
export function openProducer(backend: QueueBackend, queue: TestQueue): Producer<TestQueue> {
  const producer = backend.createProducer(queue);
  onTestFinished(() => producer.close());
  return producer;
}
