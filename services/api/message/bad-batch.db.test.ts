import { instantOf } from '@memory-layer/shared/time/instant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { encodeCursor } from './message-cursor.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const batch = '/v1/messages/batch';
const item = (n: number, more: object = {}) => ({
  tenant_id: 'mixed',
  conversation_id: 'c',
  role: 'user',
  content: `item ${n}`,
  ...more,
});
const items = (count: number) => Array.from({ length: count }, (_, n) => item(n));
const storedContents = async () =>
  (await api.db.selectFrom('message').select('content').orderBy('id').execute()).map((row) => row.content);

describe('a batch that is not one stores nothing', () => {
  test.each<[string, unknown]>([
    ['/messages', {}],
    ['/messages', { messages: [] }],
    ['/messages', { messages: items(1001) }],
    ['/messages', { messages: null }],
    ['/messages', { messages: item(1) }],
    ['/messages', { messages: { 0: item(1), length: 1 } }],
    ['/tenant_id', { messages: items(1), tenant_id: 'mixed' }],
    ['', items(1)],
  ])('%j is named in %.60j', async (pointer, body) => {
    expectProblem(await api.call('POST', batch, { body }), 'invalid_request', [{ in: 'body', pointer }]);
    expect(await storedContents()).toEqual([]);
  });

  test('not even when every item is named with its fault', async () => {
    const body = { messages: [null, 1, 'x', [], {}, item(0, { role: 'x' }), item(0, { content: '\u0000' })] };
    const answer = await api.call('POST', batch, { body });
    expect(answer.status).toBe(207);
    expect(answer.body).toMatchObject({ created: [], updated: [], deleted: [] });
    const named = answer.body.errors.map((error: { message_index: number; errors: { pointer: string }[] }) => [
      error.message_index,
      ...error.errors.map(({ pointer }) => pointer),
    ]);
    expect(named).toEqual([
      ...[0, 1, 2, 3].map((n) => [n, `/messages/${n}`]),
      [4, '/messages/4/conversation_id', '/messages/4/role', '/messages/4/content'],
      [5, '/messages/5/role'],
      [6, '/messages/6/content'],
    ]);
    expect(await storedContents()).toEqual([]);
    expect(api.notifications).toEqual([]);
  });
});

describe('a batch', () => {
  test('stores the valid items in their order and names the others', async () => {
    const messages = [item(0), item(1, { more: 1 }), item(2), item(3, { tenant_id: undefined }), null, item(5)];
    const answer = await api.call('POST', batch, { body: { messages } });
    expect(answer.status).toBe(207);
    expect(answer.body.created.map((message: { content: string }) => message.content)).toEqual([
      'item 0',
      'item 2',
      'item 5',
    ]);
    expect(answer.body.errors).toEqual(
      [
        [1, '/messages/1/more'],
        [3, '/messages/3/tenant_id'],
        [4, '/messages/4'],
      ].map(([index, pointer]) => ({
        message_index: index,
        code: 'invalid_request',
        error: expect.any(String),
        errors: [{ in: 'body', pointer, detail: expect.any(String) }],
      })),
    );
    expect(await storedContents()).toEqual(['item 0', 'item 2', 'item 5']);
  });

  test('security: of a bound key refuses the items of another tenant', async () => {
    const messages = [
      item(0, { tenant_id: 'acme' }),
      item(1, { tenant_id: undefined }),
      item(2, { tenant_id: 'globex' }),
    ];
    const answer = await api.call('POST', batch, { body: { messages }, key: keys.acme });
    expect(answer.status).toBe(207);
    expect(answer.body.created.map((message: { tenant_id: string }) => message.tenant_id)).toEqual(['acme', 'acme']);
    expect(answer.body.errors).toMatchObject([
      { message_index: 2, code: 'forbidden', errors: [{ pointer: '/messages/2/tenant_id' }] },
    ]);
  });

  test('may hold a thousand messages', async () => {
    const messages = items(1000).map((message) => ({ ...message, tenant_id: 'thousand' }));
    const answer = await api.call('POST', batch, { body: { messages } });
    expect(answer.status).toBe(202);
    expect(answer.body.errors).toEqual([]);
    expect(answer.body.created.map((message: { content: string }) => message.content)).toEqual(
      messages.map((message) => message.content),
    );
  });
});

describe('a listing', () => {
  const id = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const descending = encodeCursor({ createdAt: instantOf(new Date(0)), id, order: 'desc' });

  test.each([
    ...['', '0', '-1', '201', '1.5', 'abc', '0x10', '1e2', ' 5', '5 ', 'NaN', 'Infinity', '9'.repeat(400)].map((v) => [
      'limit',
      v,
    ]),
    ...['', 'up', 'ASC', 'asc,desc'].map((value) => ['order', value]),
    ...['', 'a ', 'x'.repeat(129), 'x\u0000'].map((value) => ['conversation_id', value]),
    ...['', ' a', 'x'.repeat(129), 'mixed\u0000'].map((value) => ['tenant_id', value]),
    ...['', 'x', '\u0000', '%', descending, 'A'.repeat(201)].map((value) => ['cursor', value]),
    ['cursor', cursorOf(null)],
    ['cursor', cursorOf([0, id])],
    ['cursor', cursorOf([0, id, 'asc', 1])],
    ['cursor', cursorOf(['0', id, 'asc'])],
    ...[8.64e15 + 1, 8.64e15, Date.UTC(10_000, 0), -1, -8.64e15, 0.5].map((n) => ['cursor', cursorOf([n, id, 'asc'])]),
    ['cursor', cursorOf([0, "' or 1=1 --", 'asc'])],
    ['surprise', '1'],
    ['Limit', '1'],
  ])('names %s when it is %.40j', async (name = '', value = '') => {
    const query = new URLSearchParams({ tenant_id: 'mixed', [name]: value });
    const answer = await api.call('GET', `/v1/messages?${String(query)}`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: `/${name}` }]);
  });

  test.each(['tenant_id=x', 'limit=5', 'order=asc', 'conversation_id=c', 'cursor=x', 'more=1'])(
    'names %s when it is given twice',
    async (pair) => {
      const answer = await api.call('GET', `/v1/messages?${pair}&${pair}`);
      const pointer = `/${pair.slice(0, pair.indexOf('='))}`;
      expectProblem(answer, 'invalid_request', [{ in: 'query', pointer }]);
    },
  );
});

describe('an id in a path', () => {
  test.each([
    'x',
    '1',
    'batch',
    '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1',
    '0192f0c12a3b7c4d8e5f6a7b8c9d0e1f',
    '%00',
    '%ff',
    '%E0%A4%A',
    "'--",
  ])('%s is named', async (id) => {
    for (const [method, path] of [
      ['GET', `/v1/messages/${id}`],
      ['DELETE', `/v1/messages/${id}`],
    ] as const) {
      expectProblem(await api.call(method, `${path}?tenant_id=x`), 'invalid_request', [{ in: 'path', pointer: '/id' }]);
    }
    const run = await api.call('GET', `/v1/admin/retention/runs/${id}?tenant_id=x`);
    expectProblem(run, 'invalid_request', [{ in: 'path', pointer: '/run_id' }]);
  });

  test('takes no parameters but the tenant', async () => {
    const path = '/v1/messages/0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f?tenant_id=x&force=1';
    for (const method of ['GET', 'DELETE']) {
      expectProblem(await api.call(method, path), 'invalid_request', [{ in: 'query', pointer: '/force' }]);
    }
  });
});
