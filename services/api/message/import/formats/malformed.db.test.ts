import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../../../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../../../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const send = (
  raw: string | Uint8Array<ArrayBuffer>,
  query: object,
  type = 'application/json',
  key: string = keys.acme,
) =>
  api.call('POST', `/v1/messages/import?${String(new URLSearchParams({ ...query }))}`, {
    raw,
    headers: { 'content-type': type },
    key,
  });
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ status }) => status !== 'end');
const outcomes = async (raw: string | Uint8Array<ArrayBuffer>, query: object, type?: string) => {
  const answer = await send(raw, query, type);
  expect(answer.status).toBe(200);
  return linesOf(answer.text);
};
const openai = { format: 'openai', conversation_id: 'c' };
const hello = (content: unknown = 'hello', more: object = {}) => ({ role: 'user', content, ...more });

describe('a source that is not what it should be says where', () => {
  test('a document that ends too early keeps what came before', async () => {
    const text = JSON.stringify([hello('early 1'), hello('early 2')], null, 1).slice(0, -30);
    expect(await outcomes(text, openai)).toMatchObject([
      { pointer: '/0', status: 'stored' },
      { status: 'error', code: 'malformed_json', detail: 'The document ends before it is complete.' },
    ]);
  });

  test('a document that is broken in the middle ends there, with the line and what came before', async () => {
    const text = `[\n${JSON.stringify(hello('middle 1'))},\n${JSON.stringify(hello('middle 2'))},\n{"role" 1},\n{}]`;
    const [first, second, last, none] = await outcomes(text, openai);
    expect([first, second]).toMatchObject([{ pointer: '/0' }, { pointer: '/1', status: 'stored' }]);
    expect(last).toMatchObject({ status: 'error', code: 'malformed_json' });
    expect(last.detail).toContain('Line 4, after /');
    expect(none).toBeUndefined();
  });

  test('a line that is broken is an outcome, and the next one is read', async () => {
    const good = JSON.stringify({ messages: [hello('line')] });
    expect(await outcomes([good, '{"messages":[', '{]', '', '7', good].join('\n'), openai)).toMatchObject([
      { line: 1, pointer: '/messages/0', status: 'stored' },
      { line: 2, status: 'error', code: 'malformed_json' },
      { line: 3, status: 'error', code: 'malformed_json' },
      { line: 5, status: 'error', code: 'invalid_request' },
      { line: 6, pointer: '/messages/0', status: 'stored' },
    ]);
  });

  test('bytes that are no UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('[{"role":"user","content":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}]'),
    ]);
    expect(await outcomes(bytes, openai)).toMatchObject([{ status: 'error', code: 'malformed_json' }]);
  });

  test('a byte-order mark is no fault', async () => {
    expect(await outcomes(`\ufeff${JSON.stringify([hello('marked')])}`, { conversation_id: 'c' })).toMatchObject([
      { status: 'stored' },
    ]);
  });

  test('a document that is nested without end', async () => {
    const answer = await outcomes('['.repeat(1000), openai);
    expect(answer).toMatchObject([{ status: 'error', code: 'invalid_request' }]);
    expect(answer[0].detail).toContain('deeper than 128 levels');
  });

  test.each<[string, object, object]>([
    ['an unknown role', hello('x', { role: 'robot' }), { errors: [{ pointer: '/role' }] }],
    ['no role', { content: 'x' }, { errors: [{ pointer: '/role' }] }],
    ['a time that nobody understands', hello('x', { created_at: 'soon' }), { errors: [{ pointer: '/created_at' }] }],
    ['a part without a type', hello([{ text: 'x' }]), { errors: [{ pointer: '/content/0/type' }] }],
    ['a content that is no text', hello(7), { errors: [{ pointer: '/content' }] }],
    ['a text beyond the limit', hello('x'.repeat(100_001)), { errors: [{ pointer: '/content' }] }],
    ['a text far beyond it', hello('x'.repeat(3_000_000)), { errors: [{ pointer: '/content' }] }],
    ['metadata beyond the limit', hello('x', { name: 'n'.repeat(70_000) }), { errors: [{ pointer: '/metadata' }] }],
    ['more than a message may be', hello(Array.from({ length: 300_000 }, () => 1)), { code: 'payload_too_large' }],
  ])('%s is an outcome, and its neighbours are stored', async (_, message, error) => {
    const tenant = await outcomes(JSON.stringify([hello('a'), message, hello('b')]), openai);
    expect(tenant).toMatchObject([{ pointer: '/0' }, { pointer: '/1', status: 'error', ...error }, { pointer: '/2' }]);
    expect([tenant[0].status, tenant[2].status].every((status) => status !== 'error')).toBe(true);
  });

  test('images of megabytes do not stand in the way of the text beside them', async () => {
    const url = `data:image/png;base64,${'A'.repeat(3_000_000)}`;
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: 'What is this?' },
    ];
    expect(await outcomes(JSON.stringify([hello(content)]), openai)).toMatchObject([
      { pointer: '/0', status: 'stored' },
    ]);
  });
});

describe('an import that cannot begin is refused, and the parameter is named', () => {
  test.each<[string, string, object]>([
    ['/format', '{"a":1}', {}],
    ['/format', '[]', { format: 'word' }],
    ['/conversation_id', JSON.stringify([hello()]), {}],
    ['/conversation_id', '[]', { conversation_id: '' }],
    ['/timezone', '[]', { timezone: 'Mars/Base' }],
    ['/date_order', '[]', { date_order: 'ddm' }],
    ['/dry_run', '[]', { dry_run: 'yes' }],
    ['/skip', '[]', { skip: '-1' }],
    ['/colour', '[]', { colour: 'red' }],
  ])('%s for %s', async (pointer, body, query) => {
    expectProblem(await send(body, query), 'invalid_request', [{ in: 'query', pointer }]);
  });

  test('/tenant_id for a key that is bound to none', async () => {
    const answer = await send(JSON.stringify([hello()]), openai, undefined, keys.unbound);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: '/tenant_id' }]);
  });

  test('security: another tenant than that of the key is refused message by message', async () => {
    const answer = await outcomes(JSON.stringify([hello('mine?')]), { ...openai, tenant_id: 'globex' });
    expect(answer).toMatchObject([{ status: 'error', code: 'forbidden' }]);
  });
});

describe('application/x-ndjson without a format', () => {
  test('is recognised by its first line', async () => {
    const line = JSON.stringify({ messages: [hello('first line')] });
    expect(await outcomes(line, { conversation_id: 'c' }, 'application/x-ndjson')).toMatchObject([
      { line: 1, pointer: '/messages/0', status: 'stored' },
    ]);
  });

  test('has what speaks against it as its outcome', async () => {
    const line = JSON.stringify({ messages: [hello()] });
    expect(await outcomes(line, {}, 'application/x-ndjson')).toMatchObject([
      { line: 1, status: 'error', errors: [{ in: 'query', pointer: '/conversation_id' }] },
    ]);
  });
});
