import { createServer } from 'node:net';
import { once } from 'node:events';
import { Database } from '@memory-layer/shared/db/database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '../testing/call.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const message = { tenant_id: 'fails', conversation_id: 'c', role: 'user', content: 'hello' };
const id = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';

test('an embedder that never worked yet does not keep anybody from searching', async () => {
  api.embedder.mood = 'failing';
  const answer = await api.call('GET', '/v1/memory/search?tenant_id=fails&query=hello');
  expect(answer).toMatchObject({ status: 200, body: { degraded: true, items: [] } });
  api.embedder.mood = 'well';
});

/** A port of this machine on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was bound');
  return address.port;
}

describe('while the database is away', () => {
  let port: number;
  let away: Database;
  let call: Call;
  beforeAll(async () => {
    port = await closedPort();
    away = new Database({
      connection: { host: '127.0.0.1', port, user: 'nobody-in-particular', password: 'swordfish', database: 'nowhere' },
      poolSize: 2,
      acquireTimeoutMs: 1000,
      applicationName: 'test',
      onConnectionError: () => undefined,
    });
    call = api.over(away);
  });
  afterAll(() => away.stop());

  test.each<[string, string, object?]>([
    ['POST', '/v1/messages', message],
    ['POST', '/v1/messages/batch', { messages: [message, message] }],
    ['POST', '/v1/messages/batch', { messages: [message, {}] }],
    ['GET', '/v1/messages?tenant_id=fails'],
    ['GET', `/v1/messages/${id}?tenant_id=fails`],
    ['DELETE', `/v1/messages/${id}?tenant_id=fails`],
    ['GET', '/v1/memory/search?tenant_id=fails&query=hello'],
    ['POST', '/v1/memory/search', { tenant_id: 'fails', query: 'hello', mode: 'lexical' }],
    ['POST', '/v1/admin/retention/run', { tenant_id: 'fails' }],
    ['GET', `/v1/admin/retention/runs/${id}?tenant_id=fails`],
  ])('%s %s says when to come back, and no more', async (method, path, body) => {
    const answer = await call(method, path, { body });
    expectProblem(answer, 'unavailable');
    expect(answer.headers.get('retry-after')).toBe('1');
    const nothingStored = 'Nothing of this request was stored. Send it again shortly.';
    const cannot = 'The service cannot take this request right now. Try again shortly.';
    expect(answer.body.detail).toBe(path.startsWith('/v1/messages') && method === 'POST' ? nothingStored : cannot);
    expect(answer.text).not.toMatch(new RegExp(`ECONN|127\\.0|${port}|nobody-in|swordfish|nowhere|database`, 'i'));
  });

  test('bad input still has its own status', async () => {
    const answer = await call('POST', '/v1/messages', { body: { ...message, role: 'x' } });
    expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: '/role' }]);
    expectProblem(await call('GET', '/v1/messages', { key: null }), 'unauthenticated');
  });

  test('no worker is notified of what was not stored', () => {
    expect(api.notifications).toEqual([]);
  });

  test('the process lives, is not ready, and its health says why', async () => {
    expect((await call('GET', '/livez', { key: null })).status).toBe(200);
    expect((await call('GET', '/readyz', { key: null })).status).toBe(503);
    const health = await call('GET', '/v1/admin/health', { key: null });
    expect(health.status).toBe(503);
    expect(health.body).toMatchObject({ status: 'down', database: 'down', queue: 'ok', latency_ms: null });
    expect(health.text).not.toMatch(/ECONN|127\.0|swordfish/);
  });
});

test('no free connection is an outage, not a fault', async () => {
  const busy = new Database({
    connection: api.connection,
    poolSize: 1,
    // Long enough to connect to a busy server.
    acquireTimeoutMs: 500,
    applicationName: 'test',
    onConnectionError: () => undefined,
  });
  const call = api.over(busy);
  await busy.queries.connection().execute(async (db) => {
    await sql`select 1`.execute(db);
    expectProblem(await call('GET', '/v1/messages?tenant_id=fails'), 'unavailable');
  });
  expect((await call('GET', '/v1/messages?tenant_id=fails')).status).toBe(200);
  await busy.stop();
});

describe('what nobody expected', () => {
  beforeAll(async () => {
    await sql`alter table message add constraint message_unforeseen_check check (content not like '%unforeseen%')`.execute(
      api.db,
    );
  });

  test('is answered with one fixed sentence', async () => {
    const body = { ...message, content: 'something unforeseen', metadata: { of: 'mine' } };
    for (const answer of [
      await api.call('POST', '/v1/messages', { body }),
      await api.call('POST', '/v1/messages/batch', { body: { messages: [message, body] } }),
    ]) {
      expectProblem(answer, 'internal');
      expect(answer.body.detail).toBe(
        'Something went wrong on our side. The request id tells the operator where to look.',
      );
      expect(answer.text).not.toMatch(/unforeseen|constraint|relation|row|mine|\bat \//);
      expect(answer.headers.get('retry-after')).toBeNull();
    }
    expect((await api.call('GET', '/v1/messages?tenant_id=fails')).body.items).toEqual([]);
    expect(api.notifications).toEqual([]);
  });

  test('and its cause is in the log, under the request id', async () => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...message, content: 'unforeseen' } });
    const lines = api.logLines.filter((line) => line.includes(answer.body.requestId));
    const logged = lines.map((line) => JSON.parse(line));
    const err = { message: expect.stringContaining('message_unforeseen_check') };
    expect(logged).toMatchObject([
      { level: 'error', msg: 'request failed', code: 'internal', err },
      { level: 'info', msg: 'request', status: 500, path: '/v1/messages' },
    ]);
  });
});
