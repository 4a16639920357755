import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const message = { tenant_id: 'bad', conversation_id: 'c', role: 'user', content: 'hello' };
const bodyRoutes = ['/v1/messages', '/v1/messages/batch', '/v1/memory/search', '/v1/admin/retention/run'] as const;
const search = '/v1/memory/search';
const someId = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';

describe('security: keys', () => {
  const closed = [
    ...bodyRoutes,
    '/v1/messages',
    `/v1/messages/${someId}`,
    '/metrics',
    '/nowhere',
    '/docs2',
    '/livez/x',
  ];

  test.each(closed)('%s is closed without a key, and for an unknown one', async (path) => {
    const method = bodyRoutes.some((route) => route === path) ? 'POST' : 'GET';
    const unknown = { 'x-api-key': 'nobody-gave-out-this-one' };
    const wrong = [
      await api.call(method, path, { key: null }),
      await api.call(method, path, { key: null, headers: unknown }),
      await api.call(method, path, { key: '' }),
      await api.call(method, path, { key: null, headers: { authorization: 'Bearer nobody-gave-out-this-one' } }),
      await api.call(method, path, { key: null, headers: { authorization: `Basic ${keys.unbound}` } }),
      await api.call(method, path, { key: null, headers: { ...unknown, authorization: `Bearer ${keys.unbound}` } }),
    ];
    for (const answer of wrong) {
      expectProblem(answer, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="memory-layer"');
    }
  });

  test('a bearer token is as good as the header', async () => {
    const headers = { authorization: `bearer ${keys.acme}` };
    expect((await api.call('GET', '/v1/messages', { key: null, headers })).status).toBe(200);
  });

  test.each(['/', '/livez', '/readyz', '/v1/admin/health', '/v1/admin/readiness', '/openapi.json', '/docs'])(
    '%s is open',
    async (path) => {
      expect((await api.call('GET', path, { key: null })).status).toBe(200);
    },
  );
});

describe('security: the tenant of a key', () => {
  const body = { '/v1/messages': message, [search]: { tenant_id: 'bad', query: 'x' } };
  const inBody = { in: 'body', pointer: '/tenant_id' } as const;
  const inQuery = { in: 'query', pointer: '/tenant_id' } as const;
  const run = '/v1/admin/retention/run';

  test('a bound key cannot name another tenant', async () => {
    const options = { key: keys.acme };
    for (const [path, content] of Object.entries({ ...body, [run]: { tenant_id: 'bad' } })) {
      expectProblem(await api.call('POST', path, { ...options, body: content }), 'forbidden', [inBody]);
    }
    for (const path of ['/v1/messages', `/v1/messages/${someId}`, `/v1/admin/retention/runs/${someId}`]) {
      expectProblem(await api.call('GET', `${path}?tenant_id=globex`, options), 'forbidden', [inQuery]);
    }
    expectProblem(await api.call('DELETE', `/v1/messages/${someId}?tenant_id=globex`, options), 'forbidden', [inQuery]);
    expectProblem(await api.call('GET', `${search}?query=x&tenant_id=globex`, options), 'forbidden', [inQuery]);
  });

  test('an unbound key must name one', async () => {
    const { tenant_id: _, ...anonymous } = message;
    for (const [path, content] of Object.entries({ '/v1/messages': anonymous, [search]: { query: 'x' }, [run]: {} })) {
      expectProblem(await api.call('POST', path, { body: content }), 'invalid_request', [inBody]);
    }
    for (const path of ['/v1/messages', `/v1/messages/${someId}`, `${search}?query=x`]) {
      expectProblem(await api.call('GET', path), 'invalid_request', [inQuery]);
    }
    expectProblem(await api.call('DELETE', `/v1/messages/${someId}`), 'invalid_request', [inQuery]);
  });
});

test('nothing of all this was stored', async () => {
  for (const table of ['message', 'embedding_pending', 'tenant', 'retention_run'] as const) {
    const rows = await api.db.selectFrom(table).selectAll().execute();
    expect({ table, rows }).toEqual({ table, rows: [] });
  }
  expect(api.notifications).toEqual([]);
});
