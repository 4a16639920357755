import { BlockList } from 'node:net';
import { eventually } from '@memory-layer/shared/testing/eventually';
import type { ConnectionLimits } from '@memory-layer/shared/http/connection-limits';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { Hono } from 'hono';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { openRaw, readAnswer, type RawClient } from '../testing/raw-client.ts';
import type { ApiEnv } from './api-env.ts';
import { deadline } from './deadline.ts';
import { onError } from './errors.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import { TimeSlicer } from './time-slicer.ts';
import { FairSlots } from '../cost/fair-slots.ts';
import { allScopes } from '../access/scopes.ts';
import { storesMessages } from '../message/create-options.ts';
import { jsonBody } from './json-body.ts';
import { observe } from './observe.ts';

const head = 'GET / HTTP/1.1\r\nhost: memory-layer\r\n';
const get = `${head}\r\n`;
const large = 'x'.repeat(16_777_216);
const soon = {
  headersTimeoutMs: 200,
  keepAliveTimeoutMs: 200,
  stallTimeoutMs: 200,
} satisfies Partial<ConnectionLimits>;
const logger = createLogger({ service: 'test', level: 'silent', stream: { write: () => undefined } });

const waiting: (() => void)[] = [];
afterEach(() => {
  for (const answer of waiting.splice(0)) answer();
});

/** `/` answers, `/large` answers with much, `/slow` once the test has ended, and POST needs a body within 200 ms. */
const app = new Hono<ApiEnv>()
  .use(observe({ logger, metrics: createMetrics(), trustedProxies: new BlockList() }))
  .use(deadline(200))
  .get('/', (c) => c.text('here'))
  .get('/large', (c) => c.text(large))
  .get('/slow', async (c) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return c.text('late');
  })
  .use(async (c, next) => {
    c.set('caller', { keyId: 'test', keyName: 'test', tenants: 'all', scopes: allScopes, source: 'environment' });
    c.set('bodyMemory', { open: () => ({ grow: () => undefined, release: () => undefined }) });
    await next();
  })
  .post(
    '/stored',
    storesMessages(),
    jsonBody({ slots: new FairSlots({ count: 10 }), slicer: new TimeSlicer(), maxBytes: 1000 }),
    (c) => c.text('stored'),
  )
  .post('/', jsonBody({ slots: new FairSlots({ count: 10 }), slicer: new TimeSlicer(), maxBytes: 1000 }), (c) =>
    c.text('read'),
  );
app.onError(onError(logger));

async function listen(options: Partial<HttpServerOptions> = {}) {
  const closed: string[] = [];
  const onClose = (reason: string) => void closed.push(reason);
  const readiness = new Readiness();
  const server = new HttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, readiness, onClose, ...options });
  await server.start();
  const clients: RawClient[] = [];
  const open = async (from?: string): Promise<RawClient> => {
    const client = await openRaw(server.url, from);
    clients.push(client);
    return client;
  };
  onTestFinished(async () => {
    for (const { socket } of clients) socket.destroy();
    for (const answer of waiting.splice(0)) answer();
    await server.stop();
  });
  return { server, closed, open };
}

const isOpen = ({ socket }: RawClient): boolean => !socket.readableEnded && !socket.destroyed;

describe('a connection that does not ask', () => {
  test.each([
    ['sends nothing', '', /^$/],
    ['sends half a request line', 'GET /', /^HTTP\/1\.1 408 /],
    ['sends half a header', `${head}x-slow: `, /^HTTP\/1\.1 408 /],
  ])('%s: is closed when its header is due', async (_, text, expected) => {
    const { open } = await listen({ limits: soon });
    const client = await open();
    if (text !== '') client.send(text);
    expect(await client.rest()).toMatch(expected);
  });

  test('sends its header byte by byte: is closed when its header is due', async () => {
    const { open, closed } = await listen({ limits: soon });
    const client = await open();
    await client.drip(`GET / HTTP/1.1\r\nhost: x\r\nx-slow: ${'y'.repeat(100)}`, 20);
    const { status, body } = readAnswer(await client.rest());
    expect([status, JSON.parse(body)]).toEqual([408, expect.objectContaining({ code: 'request_timeout' })]);
    expect(closed).toEqual(['headers']);
  });

  test.each([
    ['nothing', '', Array.from({ length: 100 }, () => '')],
    ['half a request line', '', ['GET /', ...Array.from({ length: 100 }, () => 'x')]],
    ['empty lines', '', Array.from({ length: 100 }, () => '\r\n')],
    ['a body that nobody waits for', 'content-length: 1000\r\n', Array.from({ length: 100 }, () => 'x')],
  ])('sends %s after an answer: is closed', async (_, field, parts) => {
    const { open } = await listen({ limits: soon });
    const client = await open();
    client.send(`${head}${field}\r\n`);
    await client.receive(10);
    expect(readAnswer(client.received()).status).toBe(200);
    await client.drip(parts, 20);
    expect(isOpen(client)).toBe(false);
  });

  test('does not hold up a stop', async () => {
    const { server, open } = await listen();
    const client = await open();
    client.send(head);
    await eventually(() => expect(client.socket.bytesWritten).toBe(head.length));
    await server.stop();
    expect(await client.rest()).toBe('');
  });
});

describe('a server that is replaced', () => {
  test('answers through connections that are open, ends each with its answer, and takes no new ones', async () => {
    const { server, open } = await listen();
    const { url } = server;
    const [idle, busy] = [await open(), await open()];
    idle.send(get);
    await idle.receive(10);
    busy.send(`GET /slow HTTP/1.1\r\nhost: memory-layer\r\n\r\n`);
    await eventually(() => expect(waiting).toHaveLength(1));
    const lingering = server.linger(10_000);
    expect((await openRaw(url)).socket.destroyed).toBe(true);
    expect(isOpen(idle)).toBe(true);
    const first = idle.receivedBytes();
    idle.send(get);
    const second = (await idle.rest()).slice(first);
    expect([readAnswer(second).status, second.toLowerCase()]).toEqual([
      200,
      expect.stringContaining('connection: close'),
    ]);
    expect(isOpen(busy)).toBe(true);
    for (const answer of waiting.splice(0)) answer();
    expect(readAnswer(await busy.rest()).body).toBe('late');
    await lingering;
  });

  test('leaves connections to its stop that are still open after the time', async () => {
    const { server, open } = await listen();
    const busy = await open();
    busy.send(`GET /slow HTTP/1.1\r\nhost: memory-layer\r\n\r\n`);
    await eventually(() => expect(waiting).toHaveLength(1));
    await server.linger(50);
    const stopping = server.stop();
    expect(isOpen(busy)).toBe(true);
    for (const answer of waiting.splice(0)) answer();
    expect(readAnswer(await busy.rest()).body).toBe('late');
    await stopping;
  });

  test('gives an idle connection no more than the time', async () => {
    const { server, open, closed } = await listen();
    const idle = await open();
    idle.send(get);
    await idle.receive(10);
    await server.linger(100);
    await idle.rest();
    expect(closed).toEqual(['idle']);
  });
});

describe('a body', () => {
  test.each(['/', '/stored'])(
    'that does not arrive in time is answered with 408, and its connection closed: %s',
    async (path) => {
      const { open } = await listen();
      const client = await open();
      client.send(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\nconnection: keep-alive\r\n\r\n{`,
      );
      await client.drip(' '.repeat(100), 20);
      const { status, headers, body } = readAnswer(await client.rest());
      expect([status, JSON.parse(body)]).toEqual([408, expect.objectContaining({ code: 'request_timeout' })]);
      expect(headers.get('connection')).toBe('close');
    },
  );

  test('that has arrived leaves 504 to the answer, and the connection to the next request', async () => {
    const { open } = await listen();
    const client = await open();
    client.send('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.receive(10);
    expect(readAnswer(client.received())).toMatchObject({ status: 504 });
    expect(isOpen(client)).toBe(true);
  });
});

describe('the connections of one address', () => {
  const limits = { maxConnectionsPerAddress: 3 };

  test('are limited: a new one takes the place of the longest idle one, and other addresses are not concerned', async () => {
    const { open, closed } = await listen({ limits });
    const [first, second] = [await open(), await open(), await open()];
    first.send(get);
    await first.receive(10);
    const fourth = await open();
    expect(await second.rest()).toBe('');
    expect([isOpen(first), closed]).toEqual([true, ['address']]);
    for (const client of [fourth, await open('127.0.0.2')]) {
      client.send(get);
      await client.receive(10);
      expect(client.received()).toContain('200 OK');
    }
    expect(isOpen(first)).toBe(true);
  });

  test('are refused when all of them are in use', async () => {
    const { open } = await listen({ limits });
    for (let n = 0; n < limits.maxConnectionsPerAddress; n += 1) (await open()).send(get.replace('/', '/slow'));
    await eventually(() => expect(waiting).toHaveLength(limits.maxConnectionsPerAddress));
    expect(await (await open()).rest()).toBe('');
    const other = await open('127.0.0.2');
    other.send(get);
    await other.receive(10);
    expect(other.received()).toContain('200 OK');
  });

  test('are counted while they are open: closed ones give their places back', async () => {
    const { open, closed } = await listen({ limits });
    for (let round = 0; round < 3; round += 1) {
      const clients: RawClient[] = [];
      for (let n = 0; n < limits.maxConnectionsPerAddress; n += 1) clients.push(await open());
      for (const client of clients) client.send(`${head}connection: close\r\n\r\n`);
      const answers = await Promise.all(clients.map((client) => client.rest()));
      expect(answers.map((answer) => readAnswer(answer).status)).toEqual([200, 200, 200]);
    }
    expect(closed).toEqual([]);
  });

  test('are no more than the limit after many took the place of another', async () => {
    const { open } = await listen({ limits });
    const clients: RawClient[] = [];
    for (let n = 0; n < 4 * limits.maxConnectionsPerAddress; n += 1) clients.push(await open());
    await eventually(() => expect(clients.filter(isOpen)).toEqual(clients.slice(-limits.maxConnectionsPerAddress)));
  });

  test('are not limited for a trusted proxy', async () => {
    const { open } = await listen({ limits, isProxy: (address) => address === '127.0.0.1' });
    const clients = [await open(), await open(), await open(), await open(), await open()];
    for (const client of clients) client.send(get);
    await Promise.all(clients.map((client) => client.receive(10)));
    expect(clients.map((client) => readAnswer(client.received()).status)).toEqual([200, 200, 200, 200, 200]);
  });
});

test('all connections together are limited, wherever they come from', async () => {
  const { open, closed } = await listen({ limits: { maxConnections: 2 } });
  const clients = [await open('127.0.0.1'), await open('127.0.0.2'), await open('127.0.0.3')];
  await eventually(() => expect(clients.map(isOpen)).toEqual([false, true, true]));
  expect(closed).toEqual(['connections']);
});

test('a connection has so many requests under way at most', async () => {
  const { open, closed } = await listen();
  const client = await open();
  client.send(get.replace('/', '/slow').repeat(150));
  await client.rest();
  expect(closed).toContain('pipelined');
  expect(waiting.length).toBeLessThanOrEqual(17);
});

describe('an answer', () => {
  test('that its client does not read is given up', async () => {
    const { open, closed } = await listen({ limits: soon });
    const client = await open();
    client.socket.pause();
    client.send(get.replace('/', '/large'));
    await eventually(() => expect(closed).toEqual(['stalled']));
    client.socket.resume();
    expect((await client.rest()).length).toBeLessThan(large.length);
  });

  test('that its client does not read is given up though the client goes on sending', async () => {
    const { open, closed } = await listen({ limits: { stallTimeoutMs: 200 } });
    const client = await open();
    client.socket.pause();
    client.send(get.replace('/', '/large'));
    for (let n = 0; n < 100 && closed.length === 0; n += 1) {
      client.send(head.slice(n % head.length, (n % head.length) + 1));
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    expect(closed).toEqual(['stalled']);
  });

  test('that its client reads slowly is sent to its end', async () => {
    const { open, closed } = await listen({ limits: { ...soon, stallTimeoutMs: 1500 } });
    const client = await open();
    client.send(get.replace('/', '/large').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    const started = performance.now();
    const reading = setInterval(() => {
      client.socket.resume();
      client.socket.once('data', () => client.socket.pause());
    }, 15);
    const { body } = readAnswer(await client.rest());
    clearInterval(reading);
    expect([body.length, closed]).toEqual([large.length, []]);
    // Else nobody was slow.
    expect(performance.now() - started).toBeGreaterThan(3000);
  }, 60_000);
});
