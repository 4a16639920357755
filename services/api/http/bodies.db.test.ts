import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const bytesOf = (bytes: Uint8Array) => new Uint8Array(bytes);
const codings = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const;

let tenants = 0;
const freshTenant = () => `bodies-${(tenants += 1)}`;
const message = (tenant_id: string, content = 'hello') => ({ tenant_id, conversation_id: 'c', role: 'user', content });
const ndjson = { 'content-type': 'application/x-ndjson' };
const listed = async (tenantId: string) => {
  const { body } = await api.call('GET', `/v1/messages?tenant_id=${tenantId}`);
  return body.items.map((item: { content: string }) => item.content);
};
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe.each(codings)('a body compressed by %s', (coding, compress) => {
  const headers = { 'content-encoding': coding };
  const send = (path: string, text: string, more: Record<string, string> = {}) =>
    api.call('POST', path, { raw: bytesOf(compress(text)), headers: { ...headers, ...more } });

  test('is read like one that is not: a message, a batch, a search, an import', async () => {
    const tenant = freshTenant();
    expect(await send('/v1/messages', JSON.stringify(message(tenant, 'one')))).toMatchObject({ status: 202 });
    const messages = Array.from({ length: 3 }, () => message(tenant, 'two'));
    expect(await send('/v1/messages/batch', JSON.stringify({ messages }))).toMatchObject({ status: 202 });
    const lines = Array.from({ length: 3000 }, (_, n) => JSON.stringify(message(tenant, `three ${n}`))).join('\n');
    const imported = linesOf((await send('/v1/messages/import', lines, ndjson)).text);
    expect(imported.at(-1)).toMatchObject({ status: 'end', stored: 3000, error: 0 });
    const query = JSON.stringify({ tenant_id: tenant, query: 'one', mode: 'lexical' });
    expect((await send('/v1/memory/search', query)).body.items).toHaveLength(1);
  });

  test('that is a bomb is refused before it is whole', async () => {
    const bomb = JSON.stringify(message(freshTenant(), ' '.repeat(40_000_000)));
    expectProblem(await send('/v1/messages', bomb), 'payload_too_large');
    const answer = linesOf((await send('/v1/messages/import', '\n'.repeat(40_000_000), ndjson)).text);
    expect(answer).toMatchObject([
      { status: 'error', code: 'payload_too_large' },
      { status: 'end', error: 1 },
    ]);
  });

  test('that is cut off is refused; of an import, what came is stored and the answer says so', async () => {
    const tenant = freshTenant();
    const whole = compress(JSON.stringify(message(tenant)));
    const raw = bytesOf(whole.subarray(0, -8));
    expectProblem(await api.call('POST', '/v1/messages', { raw, headers }), 'malformed_request');
    const words = Array.from({ length: 4000 }, (_, n) => JSON.stringify(message(tenant, `${n} ${Math.sin(n)}`)));
    const lines = compress(words.join('\n'));
    const cut = bytesOf(lines.subarray(0, lines.length / 2));
    const answer = linesOf(
      (await api.call('POST', '/v1/messages/import', { raw: cut, headers: { ...headers, ...ndjson } })).text,
    );
    expect(answer.at(-2)).toMatchObject({ status: 'error', code: 'malformed_request' });
    expect(answer.at(-2).line).toBeUndefined();
    expect(answer.at(-1)).toMatchObject({ status: 'end' });
  });
});

test.each(['compress', 'gzip, br', 'gzip;q=1', 'utf-8', '__proto__', 'aes128gcm'])(
  'the content coding %j is refused, and the answer says what may be sent',
  async (coding) => {
    for (const path of ['/v1/messages', '/v1/messages/batch', '/v1/messages/import', '/v1/memory/search']) {
      const type = path.endsWith('import') ? ndjson : {};
      const answer = await api.call('POST', path, { raw: '{}', headers: { ...type, 'content-encoding': coding } });
      expectProblem(answer, 'unsupported_media_type');
      expect(answer.headers.get('accept-encoding')).toBe('gzip, deflate, br, zstd');
    }
  },
);

test('identity is no compression', async () => {
  const body = message(freshTenant());
  const answer = await api.call('POST', '/v1/messages', { body, headers: { 'content-encoding': 'identity' } });
  expect(answer.status).toBe(202);
});

test('what is not compressed as it says is refused', async () => {
  const raw = JSON.stringify(message(freshTenant()));
  for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
    const answer = await api.call('POST', '/v1/messages', { raw, headers: { 'content-encoding': coding } });
    expectProblem(answer, 'malformed_request');
  }
});

test('a byte-order mark is skipped: of a message, a batch, a search, an import and each of its lines', async () => {
  const tenant = freshTenant();
  const bom = '\ufeff';
  const one = JSON.stringify(message(tenant));
  expect((await api.call('POST', '/v1/messages', { raw: bom + one })).status).toBe(202);
  expect((await api.call('POST', '/v1/messages/batch', { raw: `${bom}{"messages":[${one}]}` })).status).toBe(202);
  const search = { tenant_id: tenant, query: 'hello', mode: 'lexical' };
  expect((await api.call('POST', '/v1/memory/search', { raw: bom + JSON.stringify(search) })).status).toBe(200);
  const raw = `${bom}${one}\n${one}\n${bom}${one}`;
  const answer = linesOf((await api.call('POST', '/v1/messages/import', { raw, headers: ndjson })).text);
  expect(answer.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored', 'end']);
  expect(await listed(tenant)).toEqual(Array.from({ length: 5 }, () => 'hello'));
});

test('malformed JSON is answered with line and column', async () => {
  const wrong = '{\n  "tenant_id": "t",\n  "query": "x"\n  "mode": "lexical"\n}';
  for (const path of ['/v1/messages', '/v1/messages/batch', '/v1/memory/search', '/v1/admin/retention/run']) {
    const answer = await api.call('POST', path, { raw: wrong });
    expectProblem(answer, 'malformed_json');
    expect(answer.body.detail).toBe('The body is not valid JSON: see line 4, column 3.');
  }
  const good = JSON.stringify(message('t', 'x'.repeat(60_000)));
  const batch = `{"messages":[\n${Array.from({ length: 6 }, () => good).join(',\n')},\n{"a": }]}`;
  const large = await api.call('POST', '/v1/messages/batch', { raw: batch });
  expect(large.body.detail).toBe('The body is not valid JSON: see line 8, column 7.');
  const lines = await api.call('POST', '/v1/messages/import', { raw: '\n{"a" 1}', headers: ndjson });
  expect(linesOf(lines.text)[0]).toMatchObject({
    line: 2,
    detail: 'The line is not valid JSON: see line 1, column 6.',
  });
});
