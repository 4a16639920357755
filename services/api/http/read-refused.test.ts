import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRaw, readAnswer } from '../testing/raw-client.ts';
import type { ApiEnv } from './api-env.ts';
import { HttpServer } from './http-server.ts';
import { readRefused } from './read-refused.ts';

const readRest = readRefused({ maxBytes: 300_000, timeoutMs: 1500 });
const app = new Hono<ApiEnv>()
  .use(async (c, next) => {
    await next();
    await readRest(c);
  })
  .post('/refused', (c) => c.text('refused', 413))
  .post('/opened', async (c) => {
    const reader = c.req.raw.body?.getReader();
    await reader?.read();
    reader?.releaseLock();
    return c.text('refused', 422);
  })
  .post('/taken', (c) => c.text('taken'));
const server = new HttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
beforeAll(() => server.start());
afterAll(() => server.stop());

const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nhost: memory-layer\r\ncontent-length: ${length}\r\n\r\n`;

describe('the rest of the body of a refused request', () => {
  test('is read to its end, and then the client sees why: a client that sends slowly, too', async () => {
    const client = await openRaw(server.url);
    client.send(post('/refused', 200_000));
    // For longer than the adapter waits by itself.
    await client.drip(
      Array.from({ length: 10 }, () => 'x'.repeat(20_000)),
      100,
    );
    await client.receive(1);
    expect(client.socket.destroyed).toBe(false);
    expect(readAnswer(client.received())).toMatchObject({ status: 413, body: 'refused' });
    client.socket.destroy();
  });

  test('is read where the route has begun to read it', async () => {
    const client = await openRaw(server.url);
    const started = performance.now();
    client.send(post('/opened', 250_000));
    await client.drip(
      Array.from({ length: 25 }, () => 'x'.repeat(10_000)),
      5,
    );
    await client.receive(1);
    expect(performance.now() - started).toBeLessThan(1200);
    expect(readAnswer(client.received())).toMatchObject({ status: 422, body: 'refused' });
    client.socket.destroy();
  });

  test('is not waited for beyond a time', async () => {
    const client = await openRaw(server.url);
    const started = performance.now();
    client.send(post('/refused', 200_000));
    await client.receive(1);
    expect(performance.now() - started).toBeGreaterThan(1400);
    expect(readAnswer(client.received())).toMatchObject({ status: 413 });
    expect(await client.rest()).toContain('refused');
  });

  test('is not waited for beyond a size', async () => {
    const client = await openRaw(server.url);
    const started = performance.now();
    client.send(post('/refused', 100_000_000));
    client.send('x'.repeat(400_000));
    await client.receive(1);
    expect(performance.now() - started).toBeLessThan(1200);
    expect(readAnswer(client.received())).toMatchObject({ status: 413 });
    client.socket.destroy();
  });

  test('is not waited for where the request is not refused', async () => {
    const client = await openRaw(server.url);
    const started = performance.now();
    client.send(post('/taken', 200_000));
    await client.receive(1);
    expect(performance.now() - started).toBeLessThan(1200);
    expect(readAnswer(client.received())).toMatchObject({ status: 200 });
    client.socket.destroy();
  });
});
