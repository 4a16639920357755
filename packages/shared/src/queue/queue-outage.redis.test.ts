import { eventually } from '../testing/eventually.ts';
import { randomUUID } from 'node:crypto';

import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';

import { createQueueBackend } from './create-queue-backend.ts';
import type { QueueBackend } from './queue-port.ts';
import { testRedisTarget } from '../testing/redis-target.ts';
import { createRepeatingTask } from '../lifecycle/repeating-task.ts';
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts';
import { defineTestQueue, openProducer, startConsumer, untilAborted } from './testing/test-queue.ts';

const redisUrl = process.env['TEST_REDIS_URL'] ?? '';
const title = redisUrl === '' ? 'Redis outages (skipped: set TEST_REDIS_URL to run)' : 'Redis outages';
const payload = { v: 1, tenantId: 'acme' } as const;
/** Generous: the machine may be busy. What counts is that a call ends at all. */
const timeoutMs = 1_000;

describe.skipIf(redisUrl === '')(title, () => {
  async function openBackend(): Promise<{ backend: QueueBackend; proxy: TcpProxy }> {
    const proxy = await startTcpProxy(redisUrl);
    onTestFinished(() => proxy.close());
    const prefix = `{test-${randomUUID()}}`;
    const target = testRedisTarget(proxy.url);
    const backend = createQueueBackend({ kind: 'redis', target, prefix, timeoutMs, resetAfterMs: 50 });
    onTestFinished(() => backend.stop());
    await backend.start();
    return { backend, proxy };
  }

  test.each([
    ['is gone', (proxy: TcpProxy) => proxy.cut()],
    ['hangs', (proxy: TcpProxy) => Promise.resolve(proxy.stall())],
  ])('an add is refused while Redis %s, and works again after', async (_what, fail) => {
    const { backend, proxy } = await openBackend();
    const queue = defineTestQueue();
    const producer = openProducer(backend, queue);
    const { completed } = await startConsumer(backend, queue, {});
    await producer.add('notify', payload);
    await eventually(() => expect(completed).toHaveLength(1));

    await fail(proxy);
    for (let call = 0; call < 8; call += 1) {
      await expect(producer.add('notify', payload)).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(await backend.health?.()).toMatchObject({ status: 'down' });

    await proxy.restore();
    await eventually(() => producer.add('notify', { v: 1, tenantId: 'after' }));
    await eventually(() => expect(completed.at(-1)).toMatchObject({ payload: { tenantId: 'after' } }));
    expect(await backend.health?.()).toEqual({ status: 'ok' });
  });

  test('an open breaker refuses without asking Redis', async () => {
    const { backend, proxy } = await openBackend();
    const producer = openProducer(backend, defineTestQueue());
    proxy.stall();
    const slow = Array.from({ length: 20 }, () => producer.add('notify', payload));
    expect((await Promise.allSettled(slow)).every(({ status }) => status === 'rejected')).toBe(true);
    await expect(producer.add('notify', payload)).rejects.toMatchObject({ cause: { code: 'EOPENBREAKER' } });
  });

  test('everything may be started before Redis', async () => {
    const proxy = await startTcpProxy(redisUrl);
    onTestFinished(() => proxy.close());
    await proxy.cut();
    const prefix = `{test-${randomUUID()}}`;
    const target = testRedisTarget(proxy.url);
    const backend = createQueueBackend({ kind: 'redis', target, prefix, timeoutMs, resetAfterMs: 50 });
    onTestFinished(() => backend.stop());
    await backend.start();
    const queue = defineTestQueue();
    const producer = openProducer(backend, queue);
    const { completed } = await startConsumer(backend, queue, {});
    await expect(producer.add('notify', payload)).rejects.toMatchObject({ code: 'unavailable' });

    await proxy.restore();
    await eventually(() => producer.add('notify', payload));
    await eventually(() => expect(completed).not.toHaveLength(0));
  });

  test('a consumer and a backend can be stopped while Redis is gone, also one that never met it', async () => {
    const { backend, proxy } = await openBackend();
    const queue = defineTestQueue();
    const producer = openProducer(backend, queue);
    let ended = false;
    const toil = (job: { readonly signal: AbortSignal }) => untilAborted(job).finally(() => (ended = true));
    const met = await startConsumer(backend, queue, { toil }, { stopTimeoutMs: 50 });
    await producer.add('toil', payload);
    await eventually(async () => expect(await producer.counts()).toMatchObject({ active: 1 }));
    await proxy.cut();
    const unmet = await startConsumer(backend, queue, {}, { stopTimeoutMs: 50 });

    await Promise.all([met.consumer.stop(), unmet.consumer.stop()]);
    await backend.stop();
    expect(ended).toBe(true);
  });

  test('a flushed Redis loses jobs and schedules; later jobs run, and repeating the call brings schedules back', async () => {
    // A database of its own, so that nobody else's keys are flushed.
    const url = new URL('/14', redisUrl).href;
    const backend = createQueueBackend({ kind: 'redis', target: testRedisTarget(url), timeoutMs });
    onTestFinished(() => backend.stop());
    await backend.start();
    const queue = defineTestQueue();
    const producer = openProducer(backend, queue);
    const scheduler = backend.createScheduler(queue);
    const { completed } = await startConsumer(backend, queue, {});
    const maintainer = createRepeatingTask({
      id: 'schedule-maintainer',
      run: () => scheduler.upsertSchedule('tick', 'every-tick', { everyMs: 50 }, { v: 1 }),
      everyMs: 100,
      onError: (error) => expect.unreachable(error.message),
    });
    onTestFinished(() => maintainer.stop());
    await maintainer.start();
    await eventually(() => expect(completed.length).toBeGreaterThanOrEqual(2));

    const admin = new Redis(url);
    await admin.flushdb();
    await admin.script('FLUSH');
    await admin.quit();
    await producer.add('notify', payload, { deduplicationId: 'acme' });

    const afterFlush = completed.length;
    await eventually(() => {
      const later = completed.slice(afterFlush).map(({ jobName }) => jobName);
      expect(later).toContain('notify');
      expect(later.filter((name) => name === 'tick').length).toBeGreaterThanOrEqual(2);
    });
  });
});
