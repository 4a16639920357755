import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMetrics } from '../observability/metrics.ts';
import { createEmbeddingJobNotifier } from './embedding-job-notifier.ts';

function setUp(add: () => Promise<void>, quietMs = 0) {
  const enqueued: string[] = [];
  const notifier = createEmbeddingJobNotifier({
    metrics: createMetrics(),
    quietMs,
    producer: {
      add: (_job, payload) => {
        enqueued.push('tenantId' in payload ? payload.tenantId : '');
        return add();
      },
    },
  });
  return { notifier, enqueued };
}

test('a thousand notifications while a job is being enqueued become one more job', async () => {
  const queue = Promise.withResolvers<void>();
  const { notifier, enqueued } = setUp(() => queue.promise);
  for (let n = 0; n < 1000; n++) notifier.notify('acme', 1);
  await nextTurn();
  expect(enqueued).toEqual(['acme']);
  queue.resolve();
  await nextTurn();
  expect(enqueued).toEqual(['acme', 'acme']);
});

test('tenants do not wait for one another', () => {
  const { notifier, enqueued } = setUp(() => new Promise(() => undefined));
  notifier.notify('a', 1);
  notifier.notify('b', 1);
  expect(enqueued).toEqual(['a', 'b']);
});

test('a job that the queue does not take throws nothing, and the next notification is tried', async () => {
  const { notifier, enqueued } = setUp(() => Promise.reject(new Error('no queue')));
  notifier.notify('acme', 1);
  await nextTurn();
  notifier.notify('acme', 1);
  await nextTurn();
  expect(enqueued).toEqual(['acme', 'acme']);
});

test('after a job there is a pause: notifications of that time become one job at its end, for each tenant', async () => {
  const { notifier, enqueued } = setUp(() => Promise.resolve(), 40);
  notifier.notify('acme', 1);
  await nextTurn();
  for (let n = 0; n < 10; n++) notifier.notify('acme', 1);
  notifier.notify('globex', 1);
  expect(enqueued).toEqual(['acme', 'globex']);
  await expect.poll(() => enqueued).toEqual(['acme', 'globex', 'acme']);
});
