import { eventually } from '../../testing/eventually.ts';
import { describe, expect, test } from 'vitest';

import { AppError } from '../../errors/app-error.ts';
import type { QueueBackend } from '../queue-port.ts';
import {
  defineNewerQueue,
  defineTestQueue,
  noHandlers,
  openProducer,
  startConsumer,
  untilAborted,
} from './test-queue.ts';

const payload = { v: 1, tenantId: 'acme' } as const;

function forEver(): Promise<void> {
  return new Promise(() => undefined);
}

export function describeConsumer(backend: () => QueueBackend): void {
  describe('failures', () => {
    test('are retried, up to the attempts of the catalog', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const attempts: number[] = [];
      const { failed } = await startConsumer(backend(), queue, {
        notify: ({ attempt }) => {
          attempts.push(attempt);
          return Promise.reject(new Error(`no ${attempt}`));
        },
      });
      await producer.add('notify', payload);
      await eventually(() => expect(failed).toHaveLength(3));
      expect(attempts).toEqual([1, 2, 3]);
      // Reported when the queue has recorded it, and the next attempt may be over before that.
      const inOrder = failed.toSorted((first, second) => first.attempt - second.attempt);
      expect(inOrder.map(({ attempt, willRetry, error }) => [attempt, willRetry, error.message])).toEqual([
        [1, true, 'no 1'],
        [2, true, 'no 2'],
        [3, false, 'no 3'],
      ]);
      expect(await producer.counts()).toMatchObject({ failed: 1, waiting: 0, delayed: 0 });
    });

    test('that say they are not retryable are final', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const error = new AppError('embedding_rejected', 'not a vector');
      const { failed } = await startConsumer(backend(), queue, { notify: () => Promise.reject(error) });
      await producer.add('notify', payload);
      await eventually(() => expect(failed).toHaveLength(1));
      expect(failed[0]).toMatchObject({ attempt: 1, willRetry: false });
      expect(failed[0]?.error).toBe(error);
      expect(await producer.counts()).toMatchObject({ failed: 1, delayed: 0 });
    });

    test('to parse set the job aside without a handler and without a retry', async () => {
      const queue = defineTestQueue();
      const newer = backend().createProducer(defineNewerQueue(queue.name));
      await newer.add('notify', { v: 1 });
      await newer.add('unhandled', { v: 1 });
      await newer.close();
      let handled = 0;
      const { unparseable, failed } = await startConsumer(backend(), queue, {
        notify: () => Promise.resolve(void (handled += 1)),
      });
      await eventually(() => expect(unparseable).toHaveLength(2));
      expect(unparseable.map(({ jobName }) => jobName).toSorted()).toEqual(['notify', 'unhandled']);
      expect([handled, failed.length]).toEqual([0, 0]);
      expect(await openProducer(backend(), queue).counts()).toMatchObject({ failed: 2, waiting: 0, delayed: 0 });
    });
  });

  describe('timeout', () => {
    test.each([
      ['heeds', untilAborted],
      ['is deaf to', forEver],
    ])('ends an attempt whose handler %s its signal', async (_what, wait) => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const signals: AbortSignal[] = [];
      const { failed, completed } = await startConsumer(backend(), queue, {
        notify: ({ signal, attempt }) => {
          signals.push(signal);
          return attempt === 1 ? wait({ signal }) : Promise.resolve();
        },
      });
      await producer.add('notify', payload);
      await eventually(() => expect(completed).toHaveLength(1));
      expect(failed).toMatchObject([{ error: { code: 'deadline_exceeded' }, willRetry: true }]);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    });
  });

  describe('stop', () => {
    test('waits for the running job and leaves the others waiting', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const gate = Promise.withResolvers<void>();
      let started = 0;
      const first = await startConsumer(
        backend(),
        queue,
        {
          toil: () => {
            started += 1;
            return gate.promise;
          },
        },
        { concurrency: 1 },
      );
      await producer.add('toil', payload);
      await producer.add('toil', payload);
      await eventually(() => expect(started).toBe(1));

      const stopped = first.consumer.stop();
      gate.resolve();
      await stopped;
      await first.consumer.stop();

      expect([started, first.completed.length]).toEqual([1, 1]);
      expect(await producer.counts()).toMatchObject({ waiting: 1, active: 0 });
      const second = await startConsumer(backend(), queue, {});
      await eventually(() => expect(second.completed).toHaveLength(1));
    });

    test.each([
      ['heeds', untilAborted],
      ['is deaf to', forEver],
    ])('gives a job back that outlasts the deadline and %s its signal', async (_what, wait) => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      let started = 0;
      const first = await startConsumer(
        backend(),
        queue,
        {
          toil: ({ signal }) => {
            started += 1;
            return wait({ signal });
          },
        },
        { stopTimeoutMs: 50 },
      );
      await producer.add('toil', payload);
      await eventually(() => expect(started).toBe(1));
      await first.consumer.stop();

      expect(first.handedBack).toHaveLength(1);
      expect([first.completed.length, first.failed.length]).toEqual([0, 0]);
      expect(await producer.counts()).toMatchObject({ waiting: 1, active: 0 });
      const second = await startConsumer(backend(), queue, {});
      await eventually(() => expect(second.completed).toMatchObject([{ attempt: 1 }]));
    });

    test('may come before start', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const taken: unknown[] = [];
      const onCompleted = (report: unknown) => void taken.push(report);
      const consumer = backend().createConsumer(queue, noHandlers, { concurrency: 1, onCompleted });
      await consumer.stop();
      await consumer.start();
      const other = await startConsumer(backend(), queue, {}, { concurrency: 1 });
      for (let job = 0; job < 20; job += 1) await producer.add('notify', payload);
      await eventually(() => expect(other.completed).toHaveLength(20));
      expect(taken).toEqual([]);
    });
  });
}
