import { eventually } from '../../testing/eventually.ts';
import { describe, expect, test } from 'vitest';

import { AppError } from '../../errors/app-error.ts';
import type { QueueBackend } from '../queue-port.ts';
import { describeDeduplication } from './deduplication.contract.ts';
import { describeConsumer } from './consumer.contract.ts';
import { describeScheduler } from './scheduler.contract.ts';
import { defineTestQueue, openProducer, startConsumer } from './test-queue.ts';

/** What every queue backend must do. `backend` is asked for when a test runs, and stopped by its owner. */
export function describeQueueContract(backend: () => QueueBackend): void {
  describe('producer', () => {
    test('delivers a parsed payload, reports it, and keeps nothing of it', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const seen: unknown[] = [];
      const { completed } = await startConsumer(backend(), queue, {
        notify: ({ payload, attempt, signal }) => Promise.resolve(void seen.push({ payload, attempt, signal })),
      });

      await producer.add('notify', { v: 1, tenantId: 'acme' });

      await eventually(() => expect(completed).toHaveLength(1));
      expect(seen).toMatchObject([{ payload: { v: 1, tenantId: 'acme' }, attempt: 1, signal: { aborted: false } }]);
      expect(completed[0]).toMatchObject({ queueName: queue.name, jobName: 'notify', attempt: 1 });
      expect(await producer.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
    });

    test.each([
      ['a payload that is not of the schema', { v: 1, tenantId: 'acme', content: 'hello' }, {}],
      ['a deduplication id with a colon', { v: 1, tenantId: 'acme' }, { deduplicationId: 'a:b' }],
    ] as const)('refuses %s before it is sent', async (_what, payload, options) => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      await expect(producer.add('notify', payload, options)).rejects.toMatchObject({ code: 'internal' });
      expect(await producer.counts()).toMatchObject({ waiting: 0 });
    });

    test('refuses everything once closed', async () => {
      const producer = openProducer(backend(), defineTestQueue());
      await producer.counts();
      await producer.close();
      await producer.close();
      const refusal = producer.add('notify', { v: 1, tenantId: 'acme' });
      await expect(refusal).rejects.toBeInstanceOf(AppError);
      await expect(refusal).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  test('says that it is healthy', async () => {
    expect(await backend().health?.()).toEqual({ status: 'ok' });
  });

  describeDeduplication(backend);
  describeConsumer(backend);
  describeScheduler(backend);
}
