import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const valid = { tenant_id: 'bad', conversation_id: 'c', role: 'user', content: 'hello' };
const field = (pointer: string) => ({ in: 'body', pointer }) as const;

const emoji = '\u{1f44b}';
const times = (count: number, prefix = 'k') =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [prefix + n, n]));

const badImportance = ['0.5', '', true, [], {}, -0.001, 1.001, -1, 7];
const notAnInstant = [
  '',
  'now',
  '2026-01-31',
  '2026-01-31T12:00:00',
  '2026-01-31T12:00',
  '2026-01-31 12:00:00Z',
  1,
  true,
  [],
  {},
];
const notADate = ['2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-00-10T00:00:00Z'];
const notATime = [
  '2026-01-31T24:00:00Z',
  '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:00+99:99',
  '2026-01-31T12:00:00 +01:00',
];
const outOfRange = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-01:00',
];
const oddlyWritten = [
  '+010000-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  ' 2026-01-31T12:00:00Z',
  '2026-01-31T12:00:00Z\u0000',
];
const badInstant = [...notAnInstant, ...notADate, ...notATime, ...outOfRange, ...oddlyWritten];

const refused: Record<string, readonly unknown[]> = {
  tenant_id: ['', ' ', ' a', 'x\n', 'x\u0000', '\ud800', 'x'.repeat(129), null, 1, true, [], ['x'], {}],
  conversation_id: ['', ' ', 'a ', 'x\u0000', 'x\u009b', 'x'.repeat(129), null, 1, false, [], ['x'], {}, undefined],
  role: ['', 'User', 'robot', 'user ', 'toString', null, 1, true, [], ['user'], {}, undefined],
  content: ['', ' \t\r\n', '\u00a0\u2003\ufeff', null, 1, true, [], {}, undefined],
  metadata: ['', 'x', '{}', 1, true, [], [{}]],
  importance_override: badImportance,
  importance: badImportance,
  external_id: ['', 'x\u0000', '\ud800', 'x'.repeat(257), 1, true, [], {}],
  created_at: badInstant,
  expires_at: [...badInstant, '2026-01-31T12:00:00Z', '1970-01-01T00:00:00Z'],
};

const cases = Object.entries(refused).flatMap(([name, values]) => values.map((value) => [name, value] as const));

describe('a field that is not what it should be is named', () => {
  test.each(cases)('%s: %j', async (name, value) => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...valid, [name]: value } });
    expectProblem(answer, 'invalid_request', [field(`/${name}`)]);
  });
});

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });

describe('text and metadata that could not be kept as they are', () => {
  test.each<[string, string, object]>([
    ['/content', 'NUL in content', { content: 'a\u0000b' }],
    ['/content', 'a lone high surrogate', { content: 'a\ud83d' }],
    ['/content', 'a lone low surrogate', { content: '\udc4ba' }],
    ['/content', 'surrogates the wrong way round', { content: '\udc4b\ud83d' }],
    ['/content', 'content of 100 001 characters', { content: 'x'.repeat(100_001) }],
    ['/content', 'content of 900 001 characters, blanks but one', { content: `x${' '.repeat(900_000)}` }],
    ['/content', 'content of 100 001 characters with the blanks around it', { content: ` ${'x'.repeat(100_000)}` }],
    ['/content', 'content of 100 001 emoji', { content: emoji.repeat(100_001) }],
    ['/content', 'content of 100 001 emoji', { content: emoji.repeat(100_001) }],
    ['/metadata', 'NUL in a key', { metadata: { 'a\u0000': 1 } }],
    ['/metadata', 'a surrogate in a key', { metadata: { 'a\ud800': 1 } }],
    ['/metadata/a', 'a NUL in a key below', { metadata: { a: { '\u0000': 1 } } }],
    ['/metadata/a/1', 'NUL in a value', { metadata: { a: ['b', '\u0000'] } }],
    ['/metadata/a', 'a surrogate in a value', { metadata: { a: '\udfff' } }],
    ['/metadata/a/a/a/a', 'a fifth level', { metadata: deep(5) }],
    ['/metadata/a/0/0/0', 'a fifth level of lists', { metadata: { a: [[[[]]]] } }],
    ['/metadata', '51 keys', { metadata: times(51) }],
    ['/metadata/a', '51 keys below', { metadata: { a: times(51) } }],
    ['/metadata/a', '51 items', { metadata: { a: Object.values(times(51)) } }],
    ['/metadata/n', '2^53', { metadata: { n: 2 ** 53 } }],
    ['/metadata/n', '-2^53', { metadata: { n: -(2 ** 53) } }],
    ['/metadata/n', '1e300', { metadata: { n: 1e300 } }],
    ['/metadata/a~1b~0c/0', 'a value below an odd key', { metadata: { 'a/b~c': ['\u0000'] } }],
    ['/metadata/__proto__/n', 'a value below __proto__', { metadata: JSON.parse('{"__proto__":{"n":"\\u0000"}}') }],
  ])('%s is named for %s', async (pointer, _, part) => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...valid, ...part } });
    expectProblem(answer, 'invalid_request', [field(pointer)]);
  });

  test.each([
    ['/metadata/n', '"metadata":{"n":1e400}'],
    ['/metadata/n', '"metadata":{"n":-1e400}'],
    ['/metadata/n', '"metadata":{"n":9007199254740993}'],
    ['/importance', '"importance":1e400'],
    ['/content', '"content":"\\uD83D"'],
    ['/content', '"content":"\\u0000"'],
  ])('%s is named for %s', async (pointer, part) => {
    const raw = `{"tenant_id":"bad","conversation_id":"c","role":"user","content":"x",${part}}`;
    expectProblem(await api.call('POST', '/v1/messages', { raw }), 'invalid_request', [field(pointer)]);
  });
});

describe('a message as a whole', () => {
  test('may not give both names of its importance', async () => {
    const answer = await api.call('POST', '/v1/messages', {
      body: { ...valid, importance: 0, importance_override: 0 },
    });
    expectProblem(answer, 'invalid_request', [field('/importance')]);
  });

  test('learns of everything that is wrong with it at once', async () => {
    const body = { tenant_id: '', role: 'x', content: ' ', metadata: [], importance: 2, created_at: 1, more: 1 };
    const answer = await api.call('POST', '/v1/messages', { body });
    const pointers = [
      'tenant_id',
      'conversation_id',
      'role',
      'content',
      'metadata',
      'importance',
      'created_at',
      'more',
    ];
    expectProblem(
      answer,
      'invalid_request',
      pointers.map((name) => field(`/${name}`)),
    );
    expect(answer.body.detail).toMatch(/And 7 more/);
  });

  test('cannot set what the api decides', async () => {
    for (const name of ['id', 'updated_at', 'embedding_status', 'importance_score', 'message_metadata']) {
      const answer = await api.call('POST', '/v1/messages', { body: { ...valid, [name]: 'x' } });
      expectProblem(answer, 'invalid_request', [field(`/${name}`)]);
    }
  });
});

describe('up to its limits everything comes back as it was sent', () => {
  const limit = { ...valid, tenant_id: 'limit' };

  test.each<[string, object]>([
    ['100 000 characters', { content: 'x'.repeat(100_000) }],
    ['100 000 emoji', { content: emoji.repeat(100_000) }],
    ['100 000 characters with the blanks around it', { content: `\n${' '.repeat(50)}${'x'.repeat(99_948)}\t` }],
    [
      '50 000 different words',
      {
        content: Array.from({ length: 50_000 }, (_, n) => n.toString(36))
          .join(' ')
          .slice(0, 1e5),
      },
    ],
    ['one word of 3 000 letters', { content: 'Ⱥ'.repeat(3000) }],
    ['words that grow in lower case', { content: 'Ⱥ'.repeat(1000) }],
    [
      'what SQL and tsquery could trip over',
      { content: `'; drop table message; -- \\ " $1 {} NULL a & !b | (c) <-> 'd':*` },
    ],
    ['the word NULL', { content: 'NULL', metadata: { NULL: null, '': '' } }],
    ['four levels', { metadata: deep(4) }],
    ['50 keys and 50 items', { metadata: { ...times(49), list: Object.values(times(50)) } }],
    ['numbers', { metadata: { a: 2 ** 53 - 1, b: -1.5, c: 5e-324, d: 0.1, e: 1e-7, f: 0 } }],
    ['odd keys', { metadata: JSON.parse('{"__proto__":{"x":[null,true]},"constructor":1,"a\\"b\\\\c":"\\u2028"}') }],
    ['no metadata', { metadata: null }],
    ['ids of full length', { tenant_id: 'limit'.padEnd(64, '._-9Z'), conversation_id: 'x'.repeat(128) }],
  ])('%s', async (_, part) => {
    const sent: Record<string, unknown> = { ...limit, ...part };
    const answer = await api.call('POST', '/v1/messages', { body: sent });
    expect(answer.status).toBe(202);
    const stored = await api.call('GET', `/v1/messages/${answer.body.id}?tenant_id=${String(sent['tenant_id'])}`);
    expect(stored.body).toEqual(answer.body);
    const metadata = sent['metadata'] ?? {};
    expect(stored.body).toMatchObject({ content: sent['content'], conversation_id: sent['conversation_id'] });
    expect([stored.body.metadata, stored.body.message_metadata]).toEqual([metadata, metadata]);
    // `toEqual` looks past a key named __proto__.
    expect(Object.keys(stored.body.metadata).toSorted()).toEqual(Object.keys(metadata).toSorted());
  });

  test.each([
    [{ importance: 0 }, 0],
    [{ importance_override: 1, importance: null }, 1],
    [{ importance: 0.123456789012345 }, 0.123456789012345],
  ])('the importance of %j', async (part, importance) => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...limit, ...part } });
    expect(answer).toMatchObject({ status: 202, body: { importance_score: importance } });
  });

  test.each([
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2026-01-31T12:00:00.123+05:30', '2026-01-31T06:30:00.123Z'],
    ['2024-02-29T00:00:00-12:00', '2024-02-29T12:00:00.000Z'],
  ])('the moment %s', async (given, moment) => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...limit, created_at: given } });
    const stored = await api.call('GET', `/v1/messages/${answer.body.id}?tenant_id=limit`);
    for (const { body } of [answer, stored]) expect(body).toMatchObject({ created_at: moment });
  });

  test.each([
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['3026-01-31T12:00:00.123+05:30', '3026-01-31T06:30:00.123Z'],
  ])('the end %s', async (given, moment) => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...limit, expires_at: given } });
    const stored = await api.call('GET', `/v1/messages/${answer.body.id}?tenant_id=limit`);
    for (const { body } of [answer, stored]) expect(body).toMatchObject({ expires_at: moment });
  });
});

test('nothing of what was refused was stored', async () => {
  const { rows } = await sql<{ tenants: string[] }>`
    select array_agg(distinct tenant_id) as tenants from (
      select tenant_id from tenant union all select tenant_id from message union all
      select tenant_id from embedding_pending
    ) as everywhere where tenant_id not like 'limit%'`.execute(api.db);
  expect(rows).toEqual([{ tenants: null }]);
  expect(new Set(api.notifications.map((notified) => notified.tenantId.slice(0, 5)))).toEqual(new Set(['limit']));
  expect((await api.call('GET', '/v1/messages', { key: keys.acme })).body.items).toEqual([]);
});
