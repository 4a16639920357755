import { once } from 'node:events';
import { connect } from 'node:net';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpServer } from '../../http/http-server.ts';
import { expectProblem } from '../../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../../testing/test-api.ts';

// A line of 1 MiB that has begun, and as many characters that are held for the client.
const bytesPerStream = 2 * 1_048_576;
let api: TestApi;
let server: HttpServer;
beforeAll(async () => {
  api = await startTestApi({ importStallMs: 400, bodyMemory: { perKey: 3 * bytesPerStream } });
  const limits = { stallTimeoutMs: 400 };
  server = new HttpServer({ fetch: api.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness(), limits });
  await server.start();
});
afterAll(async () => {
  await server.stop();
  await api.stop();
});

function openImport() {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
  socket.on('error', () => undefined);
  const head = [
    'POST /v1/messages/import HTTP/1.1',
    'host: memory-layer',
    `x-api-key: ${keys.unbound}`,
    'content-type: application/x-ndjson',
    'transfer-encoding: chunked',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const send = (text: string) => socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  return { socket, send };
}

const line = (tenant: string, n: number) =>
  `${JSON.stringify({ tenant_id: tenant, conversation_id: 'c', role: 'user', content: `message ${n}` })}\n`;
const countIn = async (tenantId: string) =>
  (await api.db.selectFrom('message').select('id').where('tenant_id', '=', tenantId).execute()).length;

test('a client that sends and does not read is cut off, and its sending is held back until then', async () => {
  const { socket, send } = openImport();
  socket.pause();
  send(line('deaf', 1));
  // Refused lines: their outcomes are many times as long as they are.
  const lines = '{}\n'.repeat(5000);
  const closed = new Promise((resolve) => void socket.once('close', resolve));
  const drained = () => new Promise((resolve) => void socket.once('drain', resolve));
  const offered = 4000 * lines.length;
  for (let sent = 0; !socket.destroyed && sent < offered; sent += lines.length) {
    if (!send(lines)) await Promise.race([drained(), closed]);
  }
  await closed;
  // No more than the buffers of a connection hold.
  expect(socket.bytesWritten).toBeLessThan(offered / 2);
  expect(await countIn('deaf')).toBe(1);
});

test('a client that sends a byte now and then is no client that sends', async () => {
  const { socket, send } = openImport();
  const closed = new Promise((resolve) => void socket.once('end', resolve));
  send(line('dripping', 1));
  await once(socket, 'data');
  const dripping = setInterval(() => void send('{'), 50);
  await closed;
  clearInterval(dripping);
  expect(await countIn('dripping')).toBe(1);
});

test('a client that goes away in the middle leaves behind what it had sent', async () => {
  const { socket, send } = openImport();
  send(line('gone', 1));
  await once(socket, 'data');
  send(line('gone', 2));
  send('{"tenant_id":"gone","conversation_id":"c","role":"user","content":"half of');
  await expect.poll(() => countIn('gone')).toBe(2);
  socket.destroy();
  await once(socket, 'close');
  await expect.poll(() => api.logLines.filter((text) => text.includes('import ended')).length).toBeGreaterThan(0);
  expect(await countIn('gone')).toBe(2);
  expect(api.logLines.filter((text) => text.includes('"level":"error"'))).toEqual([]);
});

test('streams take of the memory for bodies of their key while they are open, and then give it back', async () => {
  const held = async () => /^memory_request_body_bytes (\d+)$/m.exec(await api.metrics.registry.metrics())?.[1];
  await expect.poll(held).toBe('0');
  const ends = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const { socket, send } = openImport();
      send(line('many', n));
      await once(socket, 'data');
      return () => socket.destroy();
    }),
  );
  expect(await held()).toBe(String(3 * bytesPerStream));
  const open = (key: string) =>
    api.call('POST', '/v1/messages/import', {
      key,
      raw: JSON.stringify({ conversation_id: 'c', role: 'user', content: 'one more' }),
      headers: { 'content-type': 'application/x-ndjson' },
    });
  const refused = await open(keys.unbound);
  expectProblem(refused, 'rate_limited');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await open(keys.acme)).status).toBe(200);
  for (const end of ends) end();
  await expect.poll(held).toBe('0');
  expect((await open(keys.unbound)).status).toBe(200);
});
