import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { Hono } from 'hono';
import { afterEach, expect, test } from 'vitest';
import { TenantConcurrencyLimiter } from '../cost/tenant-concurrency-limiter.ts';
import type { ApiEnv } from './api-env.ts';
import { deadline } from './deadline.ts';
import { withTenantSlot } from './tenant-slot.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** One read at a time; each ends when the test says so. */
function setUp(timeoutMs = 10_000) {
  const refused: string[] = [];
  const limiter = new TenantConcurrencyLimiter(
    { perTenant: 1, shared: 1, queuePerTenant: 1, total: 10, queueTotal: 10 },
    { waiting: () => undefined, refused: (reason) => refused.push(reason) },
  );
  const begun: { end: () => void }[] = [];
  const app = new Hono<ApiEnv>();
  app.use(deadline(timeoutMs));
  app.get('/', (c) =>
    withTenantSlot(c, { limiter, tenantId: 'a', cost: { units: 1 } }, async () => {
      const work = Promise.withResolvers<void>();
      begun.push({ end: work.resolve });
      await work.promise;
      return c.text('done');
    }),
  );
  app.onError((error, c) => c.text('', error instanceof AppError ? error.status : 500));
  return { app, begun, limiter, refused };
}

test('without a listener a read ends with its handler', async () => {
  const { app, begun, limiter } = setUp();
  const answers = [app.request('/'), app.request('/')];
  await expect.poll(() => begun.length).toBe(1);
  begun[0]?.end();
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.end();
  for (const answer of answers) expect((await answer).status).toBe(200);
  expect(limiter.tenants).toBe(0);
});

test('waiting counts towards the deadline, and ends with it', async () => {
  const { app, begun, limiter, refused } = setUp(50);
  const answers = await Promise.all([app.request('/'), app.request('/')]);
  expect(answers.map(({ status }) => status)).toEqual([504, 504]);
  expect(begun).toHaveLength(1);
  expect(refused).toEqual(['deadline']);
  // The work that had begun still runs, whatever was answered.
  expect([limiter.waiting, limiter.tenants]).toEqual([0, 1]);
  begun[0]?.end();
  await expect.poll(() => limiter.tenants).toBe(0);
});

test('waiting ends when the client goes away; work that has begun counts until it ends', async () => {
  const { app, begun, limiter, refused } = setUp();
  const server = createAdaptorServer({ fetch: app.fetch, createServer });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  const [first, second] = [connect(address.port, '127.0.0.1'), connect(address.port, '127.0.0.1')];
  first.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => begun.length).toBe(1);
  second.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => limiter.waiting).toBe(1);
  second.destroy();
  await expect.poll(() => [limiter.waiting, ...refused]).toEqual([0, 'client_gone']);
  first.destroy();
  await once(first, 'close');
  expect(limiter.tenants).toBe(1);
  begun[0]?.end();
  await expect.poll(() => limiter.tenants).toBe(0);
});
