import { eventually } from '../../testing/eventually.ts';
import { describe, expect, test } from 'vitest';

import type { QueueBackend } from '../queue-port.ts';
import { defineTestQueue, openProducer, startConsumer } from './test-queue.ts';

export function describeScheduler(backend: () => QueueBackend): void {
  describe('scheduler', () => {
    test('runs a job again and again', async () => {
      const queue = defineTestQueue();
      const scheduler = backend().createScheduler(queue);
      const { completed } = await startConsumer(backend(), queue, {});
      await scheduler.upsertSchedule('tick', 'every-tick', { everyMs: 50 }, { v: 1 });
      await eventually(() => expect(completed.length).toBeGreaterThanOrEqual(3));
      expect(completed[0]).toMatchObject({ jobName: 'tick', payload: { v: 1 } });
    });

    test('neither doubles nor moves a run when a schedule is upserted again', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const scheduler = backend().createScheduler(queue);
      const upsert = () => scheduler.upsertSchedule('tick', 'hourly', { everyMs: 3_600_000 }, { v: 1 });
      await upsert();
      await upsert();
      expect(await producer.counts()).toMatchObject({ waiting: 1, delayed: 0 });

      const { completed } = await startConsumer(backend(), queue, {});
      await eventually(() => expect(completed).toHaveLength(1));
      await upsert();
      await upsert();
      expect(await producer.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 1 });
      expect(completed).toHaveLength(1);
    });

    test.each([
      ['an interval of nothing', 'x', { everyMs: 0 }],
      ['an id with a colon', 'a:b', { everyMs: 1_000 }],
    ] as const)('refuses %s', async (_what, schedulerId, schedule) => {
      const scheduler = backend().createScheduler(defineTestQueue());
      const refusal = scheduler.upsertSchedule('tick', schedulerId, schedule, { v: 1 });
      await expect(refusal).rejects.toMatchObject({ code: 'internal' });
    });
  });
}
