import { once } from 'node:events';
import { connect } from 'node:net';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { HttpServer } from './http-server.ts';
import { largeBodiesPerKey } from './json-body.ts';

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

const heldBy = async (of: TestApi) =>
  /^memory_request_body_bytes (\d+)$/m.exec(await of.metrics.registry.metrics())?.[1];
const held = () => heldBy(api);

/** Announces a body, or sends some of it in a chunk, and no more. */
async function begin(
  key: string,
  how: { readonly announced: number } | { readonly chunk: number },
  { url }: HttpServer = server,
) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
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

test('a key has a few large bodies read at a time, so that those that do not come hold up its large ones alone', async () => {
  const roomy = await startTestApi();
  const front = new HttpServer({ fetch: roomy.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await front.start();
  const announced = 70_000;
  const whole = String(largeBodiesPerKey * announced);
  const sockets = await Promise.all(
    Array.from({ length: largeBodiesPerKey + 3 }, () => begin(keys.acme, { announced }, front)),
  );
  await expect.poll(() => heldBy(roomy)).toBe(whole);
  const send = (key: string, padding: number) =>
    fetch(`${front.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: `${JSON.stringify({ conversation_id: 'c', role: 'user', content: 'x' })}${' '.repeat(padding)}`,
    });
  expect((await send(keys.acme, 0)).status).toBe(202);
  expect((await send(keys.globex, announced)).status).toBe(202);
  const late = send(keys.acme, announced);
  // Three of those that hold a place leave, and one that waits: the others come to their places.
  for (const socket of sockets.slice(largeBodiesPerKey - 3, largeBodiesPerKey + 1)) socket.destroy();
  await expect.poll(() => heldBy(roomy)).toBe(String((largeBodiesPerKey - 1) * announced));
  expect((await late).status).toBe(202);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => heldBy(roomy)).toBe('0');
  await front.stop();
  await roomy.stop();
});

test('places of bodies that never came are free after their deadline, and so are those of requests that waited', async () => {
  const roomy = await startTestApi({ requestTimeoutMs: 300 });
  const front = new HttpServer({ fetch: roomy.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await front.start();
  const announced = 70_000;
  const count = largeBodiesPerKey * 2;
  const sockets = await Promise.all(Array.from({ length: count }, () => begin(keys.acme, { announced }, front)));
  const answers = sockets.map(async (socket) => {
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text.slice(0, 'HTTP/1.1 408'.length);
  });
  const statuses = await Promise.all(answers);
  expect(statuses.filter((line) => line === 'HTTP/1.1 408')).toHaveLength(largeBodiesPerKey);
  // These were not asked for their bodies: nothing was wrong with them.
  expect(statuses.filter((line) => line === 'HTTP/1.1 503')).toHaveLength(count - largeBodiesPerKey);
  await expect.poll(() => heldBy(roomy)).toBe('0');
  for (let n = 0; n < count; n += 1) {
    const answer = await fetch(`${front.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': keys.acme, 'content-type': 'application/json' },
      body: `${JSON.stringify({ conversation_id: 'c', role: 'user', content: 'x' })}${' '.repeat(announced)}`,
    });
    expect(answer.status).toBe(202);
  }
  await front.stop();
  await roomy.stop();
});
