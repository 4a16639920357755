import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpServer } from '../http/http-server.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { createMemory } from '../testing/search-fixture.ts';
import { keys, startTestApi, type TestApi, type TestApiOptions } from '../testing/test-api.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(options: TestApiOptions): Promise<TestApi> {
  const api = await startTestApi(options);
  stops.push(() => api.stop());
  return api;
}

const search = (api: TestApi, tenant: string) =>
  api.call('POST', '/v1/memory/search', { body: { tenant_id: tenant, query: 'garden' } });

describe('one tenant has its share of the process', () => {
  test('what is more than may run and wait is refused, of that tenant alone', async () => {
    const api = await start({ reads: { perTenant: 1, queuePerTenant: 2 } });
    const [own, other] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => search(api, 'a'))),
      search(api, 'b'),
    ]);
    expect(own.map(({ status }) => status).toSorted((one, two) => one - two)).toEqual([
      200,
      200,
      200,
      ...Array.from({ length: 7 }, () => 429),
    ]);
    expect(other.status).toBe(200);
    const refused = own.find(({ status }) => status === 429);
    if (refused === undefined) throw new Error('none was refused');
    expectProblem(refused, 'rate_limited');
    expect(refused.headers.get('retry-after')).toBe('1');
    const metrics = await api.metrics.registry.metrics();
    expect(metrics).toContain('memory_reads_refused_total{reason="tenant_queue_full"} 7');
    expect(metrics).toContain('memory_reads_waiting 0');
    expect((await search(api, 'a')).status).toBe(200);
  });

  test('who asks once is answered before the rest of who asks often', async () => {
    const api = await start({ reads: { total: 1 } });
    const answered: string[] = [];
    const ask = async (tenant: string) => {
      expect((await search(api, tenant)).status).toBe(200);
      answered.push(tenant);
    };
    await Promise.all([ask('a'), ask('a'), ask('a'), ask('a'), ask('b')]);
    expect(answered).toEqual(['a', 'b', 'a', 'a', 'a']);
  });

  test('listings, messages by id and failures count too', async () => {
    const api = await start({ reads: { perTenant: 0.25, queuePerTenant: 0 } });
    const [id] = await createMemory(() => api).store({ content: 'garden' });
    for (const path of ['/v1/messages', `/v1/messages/${id}`, '/v1/admin/embeddings/failed']) {
      const answers = await Promise.all([1, 2].map(() => api.call('GET', `${path}?tenant_id=a`)));
      expect(answers.map(({ status }) => status)).toContain(429);
    }
  });
});

describe('an answer that is not read', () => {
  // More than the buffers of a connection hold.
  const large = Array.from({ length: 40 }, () => ({ content: '\u0001'.repeat(99_999) }));

  async function listen(api: TestApi): Promise<HttpServer> {
    const server = new HttpServer({ fetch: api.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
    await server.start();
    stops.push(() => server.stop());
    return server;
  }

  /** Asks, and waits for the first bytes only. */
  async function askWithoutReading(url: string, tenantId: string): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    stops.push(async () => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(
      `GET /v1/messages?tenant_id=${tenantId}&limit=200 HTTP/1.1\r\nhost: x\r\nx-api-key: ${keys.unbound}\r\n\r\n`,
    );
    await once(socket, 'readable');
    return socket;
  }

  test('keeps nobody from a place, until its tenant has too many of them; and never another tenant', async () => {
    const api = await start({
      reads: { perTenant: 1, queuePerTenant: 0 },
      unreadAnswers: { perTenant: 20_000_000, total: 1_000_000_000 },
    });
    const [memory, other] = [createMemory(() => api), createMemory(() => api)];
    await memory.store(...large.slice(0, 20));
    await memory.store(...large.slice(20));
    const { url } = await listen(api);
    const statusOf = async (tenantId: string) => {
      const answer = await fetch(`${url}/v1/messages?tenant_id=${tenantId}&limit=1`, {
        headers: { 'x-api-key': keys.unbound },
      });
      await answer.text();
      return answer.status;
    };
    // Of more than 10 MB each.
    const first = await askWithoutReading(url, memory.tenantId);
    expect(await statusOf(memory.tenantId)).toBe(200);
    const second = await askWithoutReading(url, memory.tenantId);
    expect(await statusOf(memory.tenantId)).toBe(429);
    expect(await statusOf(other.tenantId)).toBe(200);
    first.destroy();
    second.destroy();
    await expect.poll(() => statusOf(memory.tenantId)).toBe(200);
  });

  test('counts for those that waited beside it, too', async () => {
    const api = await start({
      reads: { perTenant: 1, queuePerTenant: 100 },
      unreadAnswers: { perTenant: 20_000_000, total: 30_000_000 },
    });
    const [memory, other] = [createMemory(() => api), createMemory(() => api)];
    await memory.store(...large.slice(0, 20));
    await memory.store(...large.slice(20));
    const { url } = await listen(api);
    const sockets = await Promise.all(Array.from({ length: 8 }, () => askWithoutReading(url, memory.tenantId)));
    const statuses = sockets.map((socket) => String(socket.read(12)).slice(9));
    // Two of more than 10 MB each are the limit.
    expect(statuses.filter((status) => status === '200')).toHaveLength(2);
    expect(statuses.filter((status) => status === '429')).toHaveLength(6);
    const answer = await fetch(`${url}/v1/messages?tenant_id=${other.tenantId}`, {
      headers: { 'x-api-key': keys.unbound },
    });
    expect(answer.status).toBe(200);
  });

  test('is whole for a client that reads it after all', async () => {
    const api = await start({});
    const memory = createMemory(() => api);
    await memory.store(...large.slice(0, 20));
    const socket = await askWithoutReading((await listen(api)).url, memory.tenantId);
    let bytes = 0;
    let head = '';
    let expected = Number.POSITIVE_INFINITY;
    for await (const chunk of socket) {
      if (!(chunk instanceof Buffer)) throw new TypeError('not bytes');
      bytes += chunk.length;
      head = head === '' ? chunk.toString('latin1', 0, 4096) : head;
      const [, length = ''] = /content-length: (\d+)/i.exec(head) ?? [];
      expected = head.indexOf('\r\n\r\n') + 4 + Number(length);
      if (bytes >= expected) break;
    }
    expect(bytes).toBe(expected);
    expect(bytes).toBeGreaterThan(10_000_000);
  });
});
