import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { limits, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const message = { tenant_id: 'bad', conversation_id: 'c', role: 'user', content: 'hello' };
const bodyRoutes = ['/v1/messages', '/v1/messages/batch', '/v1/memory/search', '/v1/admin/retention/run'] as const;
const search = '/v1/memory/search';
const someId = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';
const text = JSON.stringify(message);

describe.each(bodyRoutes)('the body of POST %s', (path) => {
  test.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['half an object', '{"tenant_id":"bad",'],
    ['a trailing comma', '{"tenant_id":"bad",}'],
    ['single quotes', "{'tenant_id':'bad'}"],
    ['NaN', '{"importance":NaN}'],
    ['two values', `${text}${text}`],
    ['a raw control character in a string', '{"content":"a\u0001b"}'],
    ['deep brackets left open', '['.repeat(50_000)],
  ])('%s is malformed', async (_, raw) => {
    expectProblem(await api.call('POST', path, { raw }), 'malformed_json');
  });

  test.each([
    ['a stray continuation byte', [0x80]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a cut character', [0xe2, 0x82]],
    ['Latin-1', [0xe9]],
  ])('%s is not UTF-8', async (_, bytes) => {
    const raw = Buffer.concat([Buffer.from('{"content":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expectProblem(await api.call('POST', path, { raw }), 'malformed_json');
  });

  test.each(['null', '[]', '"text"', '1', 'true', '['.repeat(50_000) + ']'.repeat(50_000)])(
    'a value that is no object, %.10j, is invalid as a whole',
    async (raw) => {
      expectProblem(await api.call('POST', path, { raw }), 'invalid_request', [{ in: 'body', pointer: '' }]);
    },
  );

  test.each(['surprise', 'a/b~c', 'constructor', '__proto__', 'toString'])(
    'the unknown field %s is named',
    async (name) => {
      const answer = await api.call('POST', path, { raw: `{"${name}":1}` });
      const { pointer } = answer.body.errors.find((error: { detail: string }) => /not a known/.test(error.detail));
      expect(answer.status).toBe(422);
      expect(pointer).toBe(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    },
  );

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/jsonp',
    'text/json',
    '',
  ])('a body as %j has the wrong media type', async (type) => {
    expectProblem(
      await api.call('POST', path, { raw: text, headers: { 'content-type': type } }),
      'unsupported_media_type',
    );
  });

  test('a body without a media type is refused', async () => {
    // Bytes: for a text, Request would add one.
    const raw = Buffer.from(text);
    const answer = await api.call('POST', path, { raw, headers: { 'content-type': '' } });
    expectProblem(answer, 'unsupported_media_type');
  });

  test('no body at all is refused', async () => {
    expectProblem(await api.call('POST', path), 'unsupported_media_type');
  });
});

test('of very many unknown fields the first are named, the others counted', async () => {
  const body = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field${n}`, n]));
  const answer = await api.call('POST', search, { body: { ...body, tenant_id: 'bad', query: 'x' } });
  const fields = Array.from({ length: 50 }, (_, n) => ({ in: 'body' as const, pointer: `/field${n}` }));
  expectProblem(answer, 'invalid_request', fields);
  expect(answer.body.detail).toContain('And 999 more');
});

// Parsing and checking these takes the event loop for longer than their bytes do.
describe('a body of more names and values than any has', () => {
  const detail = expect.stringContaining('has more than 256 fields');
  const members = `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":0`).join()}}`;
  const nested = `{"metadata":{"a":[${'0,'.repeat(90_000)}0]}}`;

  test.each(bodyRoutes.filter((path) => !path.endsWith('/batch')))('is refused unparsed by %s', async (path) => {
    for (const raw of [members, nested, `{${'"a":0,'.repeat(60_000)}"a":0}`]) {
      const answer = await api.call('POST', path, { raw });
      expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: '' }]);
      expect(answer.body.errors[0].detail).toEqual(detail);
    }
  });

  test('is an error of its own in a batch', async () => {
    const raw = `{"messages":[0,${members},${nested}]}`;
    const { status, body } = await api.call('POST', '/v1/messages/batch', { raw });
    expect([status, body.created]).toEqual([207, []]);
    expect(
      body.errors.slice(1).map(({ message_index, error }: Record<string, unknown>) => [message_index, error]),
    ).toEqual([
      [1, detail],
      [2, detail],
    ]);
  });
});

test.each([
  'Application/JSON',
  'application/json;charset=UTF-8',
  'application/json; charset="utf-8"',
  'application/vnd.api+json',
])('a body as %s is read', async (type) => {
  const answer = await api.call('POST', search, { body: { query: 'x' }, headers: { 'content-type': type } });
  expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: '/tenant_id' }]);
});

describe('a body over the limit', () => {
  const limitOf = (path: string) => (path.endsWith('/batch') ? limits.maxBatchBodyBytes : limits.maxBodyBytes);

  test.each(bodyRoutes)('is refused by %s, its length declared', async (path) => {
    const raw = ' '.repeat(limitOf(path) + 1);
    const answer = await api.call('POST', path, { raw, headers: { 'content-length': String(raw.length) } });
    expectProblem(answer, 'payload_too_large');
  });

  test.each(bodyRoutes)('is refused by %s, sent in chunks', async (path) => {
    expectProblem(await api.call('POST', path, { raw: chunks(limitOf(path) + 1) }), 'payload_too_large');
  });

  test('is read up to its last byte', async () => {
    expectProblem(await api.call('POST', search, { raw: chunks(limitOf(search)) }), 'malformed_json');
  });
});

function chunks(length: number): ReadableStream {
  let left = length;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, 65_536);
      left -= size;
      if (size === 0) controller.close();
      else controller.enqueue(new Uint8Array(size).fill(0x20));
    },
  });
}

describe('routes', () => {
  test.each([
    ['GET', '/v1'],
    ['POST', '/v1/message'],
    ['GET', `/v1/messages/${someId}/more`],
    ['GET', '/V1/messages'],
    ['GET', '/docs/package.json'],
    ['GET', '/docs/..%2fpackage.json'],
    ['GET', '/docs/constructor'],
    ['GET', '/docs/__proto__'],
    ['GET', '/docs/toString'],
    ['GET', '/constructor'],
    ['GET', '/v1/__proto__'],
  ])('%s %s does not exist', async (method, path) => {
    expectProblem(await api.call(method, path), 'not_found');
  });

  test.each([
    ['PUT', '/v1/messages', ['GET', 'HEAD', 'POST']],
    ['DELETE', '/v1/messages', ['GET', 'HEAD', 'POST']],
    ['PATCH', `/v1/messages/${someId}`, ['DELETE', 'GET', 'HEAD']],
    ['DELETE', search, ['GET', 'HEAD', 'POST']],
    ['GET', '/v1/admin/retention/run', ['POST']],
    ['POST', '/livez', ['GET', 'HEAD']],
    ['POST', '/metrics', ['GET', 'HEAD']],
  ])('%s %s is not allowed', async (method, path, allowed) => {
    const answer = await api.call(method, path);
    expectProblem(answer, 'method_not_allowed');
    expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(allowed);
  });
});

describe('request ids', () => {
  test('a client may bring its own', async () => {
    const headers = { 'x-request-id': 'mine-1' };
    const answer = await api.call('GET', '/nowhere', { headers });
    expectProblem(answer, 'not_found');
    expect(answer.body.requestId).toBe('mine-1');
  });

  test.each(['two words', 'x'.repeat(129), 'a"b', '{}'])('but not %j', async (id) => {
    const answer = await api.call('GET', '/nowhere', { headers: { 'x-request-id': id } });
    expectProblem(answer, 'not_found');
    expect(answer.body.requestId).not.toBe(id);
  });
});

test('nothing of all this was stored', async () => {
  for (const table of ['message', 'embedding_pending', 'tenant', 'retention_run'] as const) {
    const rows = await api.db.selectFrom(table).selectAll().execute();
    expect({ table, rows }).toEqual({ table, rows: [] });
  }
  expect(api.notifications).toEqual([]);
});
