import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Hit, type Memory, type Seed } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

// Each has the word and the meaning of `garden`, so that only filters tell them apart.
const seeds: readonly Seed[] = [
  { content: 'garden a', conversation_id: 'one', role: 'user', created_at: '2026-01-01T00:00:00Z', importance: 0.1 },
  {
    content: 'garden b',
    conversation_id: 'one',
    role: 'assistant',
    created_at: '2026-01-02T00:00:00Z',
    importance: 0.5,
  },
  { content: 'garden c', conversation_id: 'two', role: 'system', created_at: '2026-01-03T00:00:00Z', importance: 0.5 },
  { content: 'garden d', conversation_id: 'two', role: 'tool', created_at: '2026-01-04T00:00:00Z', importance: 0.9 },
  {
    content: 'garden e',
    conversation_id: 'three',
    role: 'user',
    created_at: '2026-01-05T00:00:00Z',
    importance: 1,
    metadata: { tags: ['x', 'y'], deep: { a: 1, b: null }, n: 1.5 },
  },
  {
    content: 'garden f',
    conversation_id: 'three',
    role: 'assistant',
    created_at: '2026-01-06T00:00:00Z',
    importance: 0,
    metadata: { tags: ['x'], deep: { a: 2 } },
  },
];

/** The last letters of the contents, in their own order. */
function lettersOf(contents: readonly string[]): string {
  const letters = contents.map((content) => content.slice(-1));
  return letters.toSorted().join('');
}

const filters: readonly (readonly [string, object])[] = [
  ['abcdef', {}],
  ['ab', { conversation_id: 'one' }],
  ['abef', { conversation_ids: ['one', 'three', 'none'] }],
  ['', { conversation_id: 'One' }],
  ['ae', { role: 'user' }],
  ['cd', { roles: ['system', 'tool'] }],
  ['cdef', { created_after: '2026-01-03T00:00:00Z' }],
  ['def', { created_after: '2026-01-03T00:00:00.001Z' }],
  ['ab', { created_before: '2026-01-03T00:00:00Z' }],
  ['abc', { created_before: '2026-01-03T00:00:00.001Z' }],
  ['c', { created_after: '2026-01-03T01:00:00+01:00', created_before: '2026-01-04T00:00:00Z' }],
  ['', { created_after: '2026-01-04T00:00:00Z', created_before: '2026-01-04T00:00:00Z' }],
  ['bcde', { importance_min: 0.5 }],
  ['e', { importance_min: 1 }],
  ['abcdef', { min_importance: 0 }],
  ['abcdef', { metadata: {} }],
  ['ef', { metadata: { tags: ['x'] } }],
  ['e', { metadata: { tags: ['y', 'x'] } }],
  ['e', { metadata: { deep: { b: null } } }],
  ['e', { metadata: { n: 1.5, deep: { a: 1 } } }],
  ['', { metadata: { n: '1.5' } }],
  ['', { metadata: { '__proto__ ': 1 } }],
  ['b', { conversation_id: 'one', role: 'assistant' }],
  ['d', { roles: ['tool', 'user'], conversation_ids: ['one', 'two'], importance_min: 0.2 }],
  ['f', { created_after: '2026-01-05T00:00:00Z', metadata: { tags: ['x'] }, role: 'assistant' }],
  ['', { conversation_id: 'one', metadata: { tags: ['x'] } }],
];

describe.each([
  ['by words, still pending', false, 'lexical'],
  ['by words', true, 'lexical'],
  ['by meaning', true, 'vector'],
  ['by both', true, 'hybrid'],
] as const)('a filter %s', (_, embedded, mode) => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store(...seeds);
    if (embedded) await memory.embed();
  });

  test.each(filters)('leaves %j of %j', async (letters, filter) => {
    const found = await memory.find('garden', { ...filter, mode, top_k: 10 });
    expect(lettersOf(found)).toBe(letters);
  });
});

test('the query string has filters too', async () => {
  const memory = createMemory(() => api);
  await memory.store(...seeds);
  const find = async (query: string) => {
    const path = `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden&top_k=10&${query}`;
    const { body } = await api.call('GET', path);
    return lettersOf(body.items.map((item: Hit) => item.content));
  };
  expect(await find('conversation_id=two')).toBe('cd');
  expect(await find('importance_min=0.5')).toBe('bcde');
  expect(await find('min_importance=0.9&conversation_id=three')).toBe('e');
});
