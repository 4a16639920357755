import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const path = '/v1/memory/search';
const emoji = '\u{1f44b}';
const badInstant = [
  '',
  'now',
  '2026-01-31',
  '2026-01-31T12:00:00',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  0,
  null,
];
const badConversation = ['', 'a ', 'x'.repeat(129), 'x\u0000', null, 1, [], {}];
const badImportance = ['0.5', -0.01, 1.01, null, true, [], {}];

const refusedInBody: Record<string, readonly unknown[]> = {
  tenant_id: ['', 'a ', 'x'.repeat(129), null, 1, [], {}],
  query: [
    '',
    ' \n',
    '\u3000',
    'a\u0000',
    '\ud83d',
    'x'.repeat(10_001),
    emoji.repeat(10_001),
    null,
    1,
    [],
    {},
    undefined,
  ],
  mode: ['', 'Hybrid', 'semantic', null, 1, []],
  top_k: [0, -1, 101, 1.5, '5', null, true, [], 1e300],
  candidate_limit: [0, -1, 1001, 1.5, '5', null],
  conversation_id: badConversation,
  conversation_ids: [null, 'c', {}, [], Array.from({ length: 101 }, (_, n) => `c${n}`)],
  role: ['', 'robot', 'USER', null, 1, ['user']],
  roles: [null, 'user', {}, []],
  created_after: badInstant,
  created_before: badInstant,
  importance_min: badImportance,
  min_importance: badImportance,
  importance_max: badImportance,
  metadata: [null, 'x', 1, [], true],
  filter: [null, 'x', 1, [], true, {}, [{ key: 'a', eq: 1 }], { key: 'a' }],
  neighbours: [-1, 11, 0.5, '1', null, true],
  weights: [null, 1, [], { relevance: 0, importance: 0, decay: 0 }, { vector: 0, lexical: 0 }],
  similarity_min: [-1.01, 1.01, '0', null, true],
  score_min: badImportance,
  diversity: badImportance,
  decay_mode: ['', 'HALF_LIFE', 'linear', null, 1],
  half_life_days: [0, -1, 0.001, 36_501, '7', null],
  cursor: ['', 'x', null, 1, 'A'.repeat(9000)],
};
/** Too many operators, or too many words in them. */
const refusedOperators = [
  `apple${' -me'.repeat(33)}`,
  `apple ${'"red car" '.repeat(33)}`,
  `${'+"red car" '.repeat(17)}${'-boat '.repeat(16)}`,
  `+"${'red car '.repeat(33)}!"`,
  `"${'red car '.repeat(33)}!"`,
  `car -"${'red car '.repeat(17)}!" ${'-boat '.repeat(31)}`,
  `-${'a,b,'.repeat(2000)}`,
];
const inBody = Object.entries(refusedInBody).flatMap(([name, values]) => values.map((value) => [name, value] as const));

describe('a search with a body names what is wrong', () => {
  test.each(inBody)('%s: %.40j', async (name, value) => {
    const answer = await api.call('POST', path, { body: { tenant_id: 'bad', query: 'x', [name]: value } });
    expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: `/${name}` }]);
  });

  test.each(refusedOperators)('query_syntax operators: %.40j', async (query) => {
    const body = { tenant_id: 'bad', query, query_syntax: 'operators' };
    expectProblem(await api.call('POST', path, { body }), 'invalid_request', [{ in: 'body', pointer: '/query' }]);
  });

  test.each<[string, object]>([
    ['/conversation_ids/1', { conversation_ids: ['c', 'a '] }],
    ['/roles/1', { roles: ['user', 'robot'] }],
    ['/metadata/a/a/a/a', { metadata: { a: { a: { a: { a: {} } } } } }],
    ['/metadata/a', { metadata: { a: '\u0000' } }],
    ['/metadata/n', { metadata: { n: 2 ** 53 } }],
    ['/min_importance', { importance_min: 0.1, min_importance: 0.1 }],
    ['/conversation_ids', { conversation_id: 'c', conversation_ids: ['c'] }],
    ['/roles', { role: 'user', roles: ['user'] }],
    ['/limit', { limit: 5 }],
    ['/filter/and/1/not/like', { filter: { and: [{ key: 'a', eq: 1 }, { not: { key: 'a', eq: 1, like: 'x' } }] } }],
    ['/filter/key/1', { filter: { key: ['a', '\u0000'], eq: 1 } }],
    ['/filter/in/1', { filter: { key: 'a', in: [1, {}] } }],
    ['/filter/a~1b~0', { filter: { 'a/b~': 1 } }],
    ['/weights/relevance', { weights: { relevance: -0.1 } }],
    ['/weights/context', { weights: { context: 1001 } }],
    ['/weights/freshness', { weights: { freshness: 1 } }],
    ['/role_weights/user', { role_weights: { user: 1.1 } }],
    ['/role_weights/bot', { role_weights: { bot: 1 } }],
    ['/min_confidence', { min_confidence: 1.5 }],
    ['/group_by', { group_by: 'role' }],
    ['/group_size', { group_by: 'conversation', group_size: 11 }],
    ['/top_k', { group_by: 'conversation', top_k: 50 }],
    ['/diversity', { group_by: 'conversation', diversity: 0.5 }],
    ['/rerank', { group_by: 'conversation', rerank: true }],
    ['/half_life_days', { half_life_days: 7, decay_mode: 'legacy' }],
    ['/half_life_days', { half_life_days: 7, decay_mode: 'none' }],
    ['/similarity_min', { similarity_min: 0.5, mode: 'lexical' }],
    ['/must/1', { must: ['red', ' '] }],
    ['/must_not/0', { must_not: ['x'.repeat(1001)] }],
    ['/phrases/0', { phrases: ['\u0000'] }],
    ['/phrases', { phrases: Array(33).fill('x') }],
    ['/must', { must: Array(16).fill('x'), must_not: Array(17).fill('x') }],
    ['/must', { must: ['red car '.repeat(33)] }],
  ])('%s in %j', async (pointer, part) => {
    const answer = await api.call('POST', path, { body: { tenant_id: 'bad', query: 'x', ...part } });
    expectProblem(answer, 'invalid_request', [{ in: 'body', pointer }]);
  });
});

const decimals = [
  '',
  'abc',
  '0x1',
  '1e0',
  ' 1',
  '1 ',
  '+1',
  '.5',
  '5.',
  '1,5',
  'NaN',
  'Infinity',
  '١',
  '9'.repeat(400),
];
const refusedInQuery: Record<string, readonly string[]> = {
  tenant_id: ['', 'a ', 'x'.repeat(129)],
  query: ['', ' ', '\u0000', 'x'.repeat(10_001)],
  query_syntax: ['', 'TEXT', 'lucene'],
  mode: ['', 'HYBRID', 'semantic'],
  top_k: ['0', '101', '1.5', '-1', ...decimals],
  candidate_limit: ['0', '1001', '1.5', ...decimals],
  conversation_id: ['', 'a ', 'x'.repeat(129)],
  importance_min: ['1.01', '-0.01', ...decimals],
  min_importance: ['1.01', '-0.01', ...decimals],
  importance_max: ['1.01', '-0.01', ...decimals],
  role: ['', 'robot', 'USER'],
  created_after: ['', 'now', '2026-01-31', '2026-02-30T00:00:00Z'],
  created_before: ['', '0', '2026-01-31T12:00:00'],
  neighbours: ['-1', '11', '0.5', ...decimals],
  similarity_min: ['-1.01', '1.01', ...decimals],
  score_min: ['-0.01', '1.01', ...decimals],
  diversity: ['-0.01', '1.01', ...decimals],
  decay_mode: ['', 'HALF_LIFE', 'linear'],
  half_life_days: ['0', '0.001', '36501', ...decimals],
  cursor: ['', 'x', 'A'.repeat(9000)],
  surprise: ['1'],
  roles: ['user'],
  weights: ['1'],
  filter: ['{}'],
  metadata: ['{}'],
};
const inQuery = Object.entries(refusedInQuery).flatMap(([name, values]) =>
  values.map((value) => [name, value] as const),
);

describe('a search by query string names what is wrong', () => {
  test.each(inQuery)('%s: %.40j', async (name, value) => {
    const query = new URLSearchParams({ tenant_id: 'bad', query: 'x', [name]: value });
    const answer = await api.call('GET', `${path}?${String(query)}`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: `/${name}` }]);
  });

  test.each(['query=x', 'top_k=5', 'mode=vector', 'conversation_id=c', 'importance_min=0.5', 'tenant_id=bad'])(
    '%s, given twice',
    async (pair) => {
      const other = ['tenant_id=bad', 'query=x'].filter((given) => given !== pair);
      const answer = await api.call('GET', `${path}?${[...other, pair, pair].join('&')}`);
      const pointer = `/${pair.slice(0, pair.indexOf('='))}`;
      expectProblem(answer, 'invalid_request', [{ in: 'query', pointer }]);
    },
  );

  test.each<[string, string]>([
    ['query', 'query=%FF'],
    ['query', 'query=gar%C3den'],
    ['query', 'query=50%'],
    ['query', 'query=%ED%A0%80'],
    ['query', 'query=%C0%80'],
    ['conversation_id', 'query=x&conversation_id=%80'],
    ['surprise', 'query=x&surprise=%FF'],
    ['%FF', 'query=x&%FF=1'],
  ])('%s, not UTF-8 in percent-encoding: %s', async (name, query) => {
    const answer = await api.call('GET', `${path}?tenant_id=bad&${query}`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: `/${name}` }]);
  });

  test('but what is encoded well is read', async () => {
    const answer = await api.call(
      'GET',
      `${path}?tenant_id=empty&query=gar%C3%A9den+%F0%9F%91%8B%20100%25&mode=lexical`,
    );
    expect(answer.status).toBe(200);
  });

  test('both names of the importance', async () => {
    const answer = await api.call('GET', `${path}?tenant_id=bad&query=x&importance_min=0.1&min_importance=0.1`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: '/min_importance' }]);
  });

  test('a query that grows beyond measure once it is normalised', async () => {
    const body = { tenant_id: 'bad', query: '\ufdfa'.repeat(2000) };
    expectProblem(await api.call('POST', path, { body }), 'invalid_request', [{ in: 'body', pointer: '/query' }]);
  });

  test('no query', async () => {
    expectProblem(await api.call('GET', `${path}?tenant_id=bad`), 'invalid_request', [
      { in: 'query', pointer: '/query' },
    ]);
  });
});

test('up to its limits a search is taken', async () => {
  const ids = Array.from({ length: 100 }, (_, n) => `c${n}`);
  for (const body of [
    { query: emoji.repeat(10_000) },
    { query: '\ufdfa'.repeat(1100) },
    { query: `apple${' -me'.repeat(32)}`, query_syntax: 'operators' },
    { query: `+"${'red car '.repeat(32)}!"`, query_syntax: 'operators' },
    { query: `car -"${'red car '.repeat(17)}!" ${'-boat '.repeat(30)}`, query_syntax: 'operators' },
    { query: `car +"${'to be or not '.repeat(600)}!"`, query_syntax: 'operators' },
    { query: `apple${' -me'.repeat(2000)} +"${'red car '.repeat(100)}"` },
    { query: 'x', must: Array.from({ length: 16 }, (_, n) => `w${n}`), must_not: Array(16).fill('x'.repeat(1000)) },
    { query: 'x', top_k: 100, candidate_limit: 1000, conversation_ids: ids, importance_min: 1, metadata: {} },
    {
      query: 'x',
      neighbours: 10,
      diversity: 1,
      score_min: 1,
      similarity_min: -1,
      half_life_days: 0.01,
      importance_max: 0,
      weights: { relevance: 1000, importance: 0, decay: 0, vector: 0, lexical: 1e-300, context: 1000 },
      filter: { key: ['', '"', '\\'], in: [-1e-320, 'x\u001f', null, true] },
    },
    { query: 'x', top_k: 1, candidate_limit: 1, roles: ['user', 'user'], min_importance: 0 },
    { query: 'x', created_after: '9999-12-31T23:59:59.999Z', created_before: '1970-01-01T00:00:00Z' },
  ]) {
    const answer = await api.call('POST', path, { body: { tenant_id: 'empty', ...body } });
    expect(answer).toMatchObject({ status: 200, body: { total: 0, degraded: false, items: [] } });
  }
  for (const query of ['top_k=100&candidate_limit=1000&importance_min=1.0', 'top_k=1&min_importance=0&mode=lexical']) {
    expect((await api.call('GET', `${path}?tenant_id=empty&query=x&${query}`)).status).toBe(200);
  }
});

describe('a request for a retention run names what is wrong', () => {
  test.each<[string, object]>([
    ['/actions', { actions: [] }],
    ['/actions', { actions: ['archive', 'archive'] }],
    ['/actions', { actions: 'archive' }],
    ['/actions', { actions: null }],
    ['/actions/1', { actions: ['archive', 'burn'] }],
    ['/dry_run', { dry_run: 'true' }],
    ['/dry_run', { dry_run: null }],
    ['/tenant_id', { tenant_id: 'a ' }],
    ['/tenant', { tenant: 'bad' }],
  ])('%s in %j', async (pointer, part) => {
    const answer = await api.call('POST', '/v1/admin/retention/run', { body: { tenant_id: 'bad', ...part } });
    expectProblem(answer, 'invalid_request', [{ in: 'body', pointer }]);
    expect(await api.db.selectFrom('retention_run').selectAll().execute()).toEqual([]);
  });
});
