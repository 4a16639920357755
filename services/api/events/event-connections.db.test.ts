import { eventually } from '@memory-layer/shared/testing/eventually';
import { connect, type Socket } from 'node:net';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { HttpServer } from '../http/http-server.ts';
import { openEvents, type EventClient } from '../testing/event-client.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const maxStreamsPerTenant = 3;

let api: TestApi;
let server: HttpServer;
beforeAll(async () => {
  api = await startTestApi({ events: { maxStreams: 5, maxStreamsPerTenant } });
  const { fetch, readiness } = api;
  server = new HttpServer({ fetch, host: '127.0.0.1', port: 0, readiness, limits: { stallTimeoutMs: 1500 } });
  await server.start();
});
afterAll(async () => {
  await Promise.all([api.feed.stop(), server.stop()]);
  await api.stop();
});

let tenants = 0;
let tenantId: string;
beforeEach(() => {
  tenantId = `connected-${(tenants += 1)}`;
});

async function follow(of = tenantId): Promise<EventClient> {
  const client = await openEvents(`${server.url}/v1/events?tenant_id=${of}`, keys.unbound);
  onTestFinished(() => client.leave());
  return client;
}

async function embed(count: number): Promise<string[]> {
  const messageIds = Array.from({ length: count }, () => uuidv7());
  await appendMessageEvents(api.db, [{ tenantId, type: 'message.embedded', messageIds }]);
  return messageIds;
}

const openStreams = async () => (await api.metrics.eventStreams.get()).values[0]?.value ?? 0;

describe('a connection', () => {
  test('beyond what a tenant, or this process, may have is refused; one that ends makes room', async () => {
    const url = (of: string) => `/v1/events?tenant_id=${of}`;
    const clients: EventClient[] = [];
    for (let n = 0; n < maxStreamsPerTenant; n++) clients.push(await follow());
    const refused = await api.call('GET', url(tenantId));
    expectProblem(refused, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const other of ['x', 'y']) clients.push(await follow(`${tenantId}-${other}`));
    expectProblem(await api.call('GET', url(`${tenantId}-z`)), 'unavailable');
    clients[0]?.leave();
    await eventually(async () => expect(await openStreams()).toBe(4));
    await follow();
  });

  test('that answers HEAD holds no stream', async () => {
    await eventually(async () => expect(await openStreams()).toBe(0));
    const head = await fetch(`${server.url}/v1/events?tenant_id=${tenantId}`, {
      method: 'HEAD',
      headers: { 'x-api-key': keys.unbound },
    });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(await openStreams()).toBe(0);
  });

  test('whose client has left holds no stream for long', async () => {
    (await follow()).leave();
    await eventually(async () => expect(await openStreams()).toBe(0));
  });

  test('whose client does not read is cut off, and others receive everything', async () => {
    const deaf = await openSocket();
    const listening = listenTo(await follow());
    await eventually(async () => expect(await openStreams()).toBe(2));
    const written: string[] = [];
    // Until the buffers of the two sockets are full, however large they are.
    while ((await openStreams()) === 2 && written.length < 250_000) written.push(...(await embed(480)));
    await eventually(async () => expect(await openStreams()).toBe(1));
    await eventually(() => expect(listening).toHaveLength(written.length));
    expect(listening).toEqual(written);
    const received = await restOf(deaf);
    expect(received).toContain(written[0]);
    expect(received).not.toContain(written.at(-1));
  }, 30_000);

  test('ends in order when the process goes down, and does not hold it up', async () => {
    const going = await startTestApi();
    const listener = new HttpServer({ fetch: going.fetch, host: '127.0.0.1', port: 0, readiness: going.readiness });
    await listener.start();
    const client = await openEvents(`${listener.url}/v1/events`, keys.acme);
    await client.next();
    await Promise.all([going.feed.stop(), listener.stop()]);
    expect(await client.next()).toBeUndefined();
    expectProblem(await going.call('GET', '/v1/events', { key: keys.acme }), 'unavailable');
    await going.stop();
  });
});

/** A client that asks for the stream of the test's tenant and reads nothing of it but the head. */
async function openSocket(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.write(`GET /v1/events?tenant_id=${tenantId} HTTP/1.1\r\nhost: x\r\nx-api-key: ${keys.unbound}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  return socket;
}

/** What had been sent to it when the connection broke. */
async function restOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await closed;
  return Buffer.concat(chunks).toString();
}

/** The ids that a client receives, as they come. */
function listenTo(client: EventClient): unknown[] {
  const received: unknown[] = [];
  void (async () => {
    for (;;) received.push(...(await client.events(1)).map(({ data }) => (data as { message_id?: string }).message_id));
  })().catch(() => undefined);
  return received;
}
