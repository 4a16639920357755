import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMetrics } from '../observability/metrics.ts';
import { createEmbeddingBell } from './embedding-bell.ts';

function setUp(add: () => Promise<void>, quietMs = 0) {
  const heard: string[] = [];
  const bell = createEmbeddingBell({
    metrics: createMetrics(),
    quietMs,
    producer: {
      add: (_job, payload) => {
        heard.push('tenantId' in payload ? payload.tenantId : '');
        return add();
      },
    },
  });
  return { bell, heard };
}

test('a thousand rings while one is on its way become one more', async () => {
  const { bell, heard } = setUp(() => sleep(5));
  for (let n = 0; n < 1000; n++) bell.ring('acme', 1);
  await sleep(30);
  expect(heard).toEqual(['acme', 'acme']);
});

test('tenants do not wait for one another', () => {
  const { bell, heard } = setUp(() => new Promise(() => undefined));
  bell.ring('a', 1);
  bell.ring('b', 1);
  expect(heard).toEqual(['a', 'b']);
});

test('a bell that is not heard throws at nobody, and the next one rings', async () => {
  const { bell, heard } = setUp(() => Promise.reject(new Error('no queue')));
  bell.ring('acme', 1);
  await sleep(1);
  bell.ring('acme', 1);
  await sleep(1);
  expect(heard).toEqual(['acme', 'acme']);
});

test('after a ring there is quiet: what comes meanwhile is one ring at its end, and tenants have their own', async () => {
  const { bell, heard } = setUp(() => Promise.resolve(), 40);
  bell.ring('acme', 1);
  await sleep(1);
  for (let n = 0; n < 10; n++) bell.ring('acme', 1);
  bell.ring('globex', 1);
  expect(heard).toEqual(['acme', 'globex']);
  await expect.poll(() => heard).toEqual(['acme', 'globex', 'acme']);
});
