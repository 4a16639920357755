import { eventually } from '../../testing/eventually.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import type { QueueBackend } from '../queue-port.ts';
import { defineTestQueue, openProducer, startConsumer, untilAborted } from './test-queue.ts';

const payload = { v: 1, tenantId: 'acme' } as const;

/** A job is swallowed while one like it waits, and never after a worker has begun to look. */
export function describeDeduplication(backend: () => QueueBackend): void {
  describe('deduplication', () => {
    test('makes one job of a thousand adds', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      for (let round = 0; round < 20; round += 1) {
        const adds = Array.from({ length: 50 }, () => producer.add('notify', payload, { deduplicationId: 'acme' }));
        await Promise.all(adds);
      }
      await producer.add('notify', { v: 1, tenantId: 'other' }, { deduplicationId: 'other' });
      expect(await producer.counts()).toMatchObject({ waiting: 2 });

      const { completed } = await startConsumer(backend(), queue, {});
      await eventually(() => expect(completed).toHaveLength(2));
      expect(await producer.counts()).toMatchObject({ waiting: 0, active: 0 });
    });

    test('makes exactly one more job of adds during a run, and runs it beside the first', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const gate = Promise.withResolvers<void>();
      let running = 0;
      const { completed } = await startConsumer(backend(), queue, {
        toil: () => {
          running += 1;
          return gate.promise;
        },
      });
      const add = () => producer.add('toil', payload, { deduplicationId: 'acme' });

      await add();
      await eventually(() => expect(running).toBe(1));
      await add();
      await eventually(() => expect(running).toBe(2));
      expect(await producer.counts()).toMatchObject({ waiting: 0, active: 2 });

      gate.resolve();
      await eventually(() => expect(completed).toHaveLength(2));
    });

    test('is not undone by an older job that runs again', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const add = () => producer.add('toil', payload, { deduplicationId: 'acme' });
      let begun = 0;
      const toilForever = (job: { readonly signal: AbortSignal }) => {
        begun += 1;
        return untilAborted(job);
      };
      const first = await startConsumer(backend(), queue, { toil: toilForever }, { stopTimeoutMs: 0 });
      await add();
      // The handler and not the count of active jobs: a job is active before its id is free again.
      await eventually(() => expect(begun).toBe(1));
      await first.consumer.stop();
      expect(new Set(first.handedBack.map(({ jobId }) => jobId)).size).toBe(1);
      await add();
      expect(await producer.counts()).toMatchObject({ waiting: 2 });

      const gate = Promise.withResolvers<void>();
      const ids: string[] = [];
      const toil = ({ jobId }: { jobId: string }) => {
        ids.push(jobId);
        return gate.promise;
      };
      const { completed } = await startConsumer(backend(), queue, { toil }, { concurrency: 1 });
      await eventually(() => expect(ids).toEqual([first.handedBack[0]?.jobId]));
      await Promise.all(Array.from({ length: 20 }, add));
      expect(await producer.counts()).toMatchObject({ waiting: 1, active: 1 });
      gate.resolve();
      await eventually(() => expect(completed).toHaveLength(2));
    });

    test('never leaves a row unseen whose job was added after it was written', async () => {
      const queue = defineTestQueue();
      const producer = openProducer(backend(), queue);
      const rows: number[] = [];
      let seen = 0;
      await startConsumer(backend(), queue, {
        notify: async () => {
          seen += rows.splice(0).length;
          await sleep(1);
        },
      });
      for (let row = 0; row < 300; row += 1) {
        rows.push(row);
        await producer.add('notify', payload, { deduplicationId: 'acme' });
        if (row % 7 === 0) await sleep(2);
      }
      await eventually(() => expect(seen).toBe(300));
    });
  });
}
