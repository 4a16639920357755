import { describe, expect, test } from 'vitest';

import type { QueueBackend } from '../queue-port.ts';
import { defineTestQueue, eventually, openProducer, startConsumer } from './test-queue.ts';

export function describeScheduler(backend: () => QueueBackend): void {
  describe('scheduler', () => {
    test('runs a job again and again until the schedule is removed', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const scheduler = backend().createScheduler(queue);
      const { completed } = await startConsumer(backend(), queue, {});
      await scheduler.upsertSchedule('tick', 'every-tick', { everyMs: 50 }, { v: 1 });
      await eventually(() => expect(completed.length).toBeGreaterThanOrEqual(3));
      expect(completed[0]).toMatchObject({ jobName: 'tick', payload: { v: 1 } });

      expect(await scheduler.removeSchedule('every-tick')).toBe(true);
      expect(await scheduler.removeSchedule('every-tick')).toBe(false);
      await eventually(async () =>
        expect(await producer.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 }),
      );
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

    test('accepts a cron pattern', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const scheduler = backend().createScheduler(queue);
      await scheduler.upsertSchedule('tick', 'new-year', { cron: '0 0 1 1 *' }, { v: 1 });
      await scheduler.upsertSchedule('tick', 'new-year', { cron: '0 0 1 1 *' }, { v: 1 });
      expect(await producer.counts()).toMatchObject({ waiting: 0, delayed: 1 });
    });

    test.each([
      ['a cron pattern that is none', 'x', { cron: 'every day' }],
      ['an interval of nothing', 'x', { everyMs: 0 }],
      ['an id with a colon', 'a:b', { everyMs: 1_000 }],
    ] as const)('refuses %s', async (_what, schedulerId, schedule) => {
      const scheduler = backend().createScheduler(defineTestQueue());
      const refusal = scheduler.upsertSchedule('tick', schedulerId, schedule, { v: 1 });
      await expect(refusal).rejects.toMatchObject({ code: 'internal' });
    });
  });
}
