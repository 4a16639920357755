import { once } from 'node:events';
import { connect } from 'node:net';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { HttpServer } from './http-server.ts';

const limits = { perKey: 100_000, total: 150_000 };
let api: TestApi;
let server: HttpServer;
beforeAll(async () => {
  api = await startTestApi({ bodyMemory: limits });
  server = new HttpServer({ fetch: api.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await server.start();
});
afterAll(async () => {
  await server.stop();
  await api.stop();
});

const held = async () => /^memory_request_body_bytes (\d+)$/m.exec(await api.metrics.registry.metrics())?.[1];

/** Announces a body, or sends some of it in a chunk, and no more. */
async function begin(key: string, how: { readonly announced: number } | { readonly chunk: number }) {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const head = `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\ncontent-type: application/json\r\n`;
  const chunked = (bytes: number) => `${bytes.toString(16)}\r\n${' '.repeat(bytes)}\r\n`;
  const rest =
    'announced' in how
      ? `content-length: ${how.announced}\r\n\r\n{`
      : `transfer-encoding: chunked\r\n\r\n${chunked(how.chunk)}`;
  socket.write(head + rest);
  await once(socket, 'ready');
  return socket;
}

const post = (key: string, padding = 0) =>
  api.call('POST', '/v1/messages', {
    key,
    raw: `${JSON.stringify({ conversation_id: 'c', role: 'user', content: 'x' })}${' '.repeat(padding)}`,
  });

test('bodies that are announced and do not come hold the share of their key, not that of others', async () => {
  const socket = await begin(keys.acme, { announced: 99_900 });
  await expect.poll(held).toBe('99900');
  const refused = await post(keys.acme, 200);
  expectProblem(refused, 'rate_limited');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await post(keys.globex)).status).toBe(202);
  const other = await begin(keys.globex, { announced: 50_000 });
  await expect.poll(held).toBe('149900');
  const full = await post(keys.globex, 200);
  expectProblem(full, 'unavailable');
  expect(full.headers.get('retry-after')).toBe('1');
  socket.destroy();
  other.destroy();
  await expect.poll(held).toBe('0');
  expect((await post(keys.acme, 200)).status).toBe(202);
});

test('a body in chunks counts as it grows', async () => {
  const socket = await begin(keys.acme, { chunk: 60_000 });
  await expect.poll(held).toBe('60000');
  const stream = () =>
    new ReadableStream({
      start(controller) {
        for (let n = 0; n < 5; n += 1) controller.enqueue(Buffer.from(' '.repeat(10_000)));
        controller.close();
      },
    });
  expectProblem(await api.call('POST', '/v1/messages', { key: keys.acme, raw: stream() }), 'rate_limited');
  socket.destroy();
  await expect.poll(held).toBe('0');
  expectProblem(await api.call('POST', '/v1/messages', { key: keys.acme, raw: stream() }), 'malformed_json');
  expect(await held()).toBe('0');
});
