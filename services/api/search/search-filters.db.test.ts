import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { createMemory, type Memory, type Seed } from '../testing/search-fixture.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { createSearchRepository, type CandidateQuery } from './search.repository.ts';
import { WordEmbedder } from '../testing/word-embedder.ts';

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
    expect(
      found
        .map((content) => content.at(-1))
        .toSorted()
        .join(''),
    ).toBe(letters);
  });
});

test('the query string has filters too', async () => {
  const memory = createMemory(() => api);
  await memory.store(...seeds);
  const find = async (query: string) => {
    const { body } = await api.call(
      'GET',
      `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden&top_k=10&${query}`,
    );
    return body.items
      .map((item: { content: string }) => item.content.at(-1))
      .toSorted()
      .join('');
  };
  expect(await find('conversation_id=two')).toBe('cd');
  expect(await find('importance_min=0.5')).toBe('bcde');
  expect(await find('min_importance=0.9&conversation_id=three')).toBe('e');
});

describe('what is found', () => {
  test('a new message is found by its words at once, by its meaning when it is embedded', async () => {
    const memory = createMemory(() => api);
    await memory.store({ content: 'gardening in May' });
    expect(await memory.find('garden')).toEqual(['gardening in May']);
    expect(await memory.find('gardenia')).toEqual([]);
    await memory.embed();
    expect(await memory.find('gardenia', { mode: 'vector' })).toEqual(['gardening in May']);
    expect(await memory.find('gardenia', { mode: 'lexical' })).toEqual([]);
    expect(await memory.find('gardenia')).toEqual(['gardening in May']);
  });

  test('a deleted message never is', async () => {
    const memory = createMemory(() => api);
    const [done] = await memory.store({ content: 'garden one' });
    await memory.embed();
    const [waiting] = await memory.store({ content: 'garden two' });
    expect(await memory.find('garden')).toHaveLength(2);
    for (const id of [done, waiting]) {
      await api.call('DELETE', `/v1/messages/${id}?tenant_id=${memory.tenantId}`);
      for (const mode of ['hybrid', 'vector', 'lexical']) {
        const ids = (await memory.search('garden', { mode })).items.map((item) => item.message_id);
        expect(ids).not.toContain(id);
      }
    }
    expect(await memory.find('garden')).toEqual([]);
  });

  test('a hit shows itself as it was stored', async () => {
    const memory = createMemory(() => api);
    const metadata = { topic: 'roses', 'a b': [1, null] };
    const created_at = '2026-01-05T00:00:00.123Z';
    const [id] = await memory.store({
      content: ' My garden! ',
      role: 'assistant',
      importance: 0.25,
      created_at,
      metadata,
    });
    await memory.embed();
    const { items, total } = await memory.search('garden');
    expect(total).toBe(1);
    expect(items).toEqual([
      {
        message_id: id,
        conversation_id: 'c',
        role: 'assistant',
        content: ' My garden! ',
        metadata,
        created_at,
        score: expect.any(Number),
        similarity: expect.closeTo(Math.SQRT1_2, 2),
        decay: expect.any(Number),
        importance: 0.25,
        breakdown: {
          vector: expect.any(Number),
          lexical: expect.any(Number),
          context: 0,
          relevance: expect.any(Number),
        },
      },
    ]);
  });
});

describe('security: tenant A cannot see tenant B', () => {
  const message = (content: string) => ({ conversation_id: 'c', role: 'user', content, metadata: { of: content } });

  test('in any search, though it has nothing of its own', async () => {
    for (const content of ['garden plans', 'garden walls', 'garden tools']) {
      await api.call('POST', '/v1/messages', { key: keys.globex, body: message(content) });
    }
    await embedPending(api, 'globex');
    const search = (key: string, options: object) =>
      api.call('POST', '/v1/memory/search', { key, body: { query: 'garden plans', ...options } });
    for (const mode of ['hybrid', 'vector', 'lexical']) {
      expect((await search(keys.globex, { mode })).body.total).toBe(3);
      for (const filter of [{}, { conversation_id: 'c' }, { metadata: { of: 'garden plans' } }]) {
        expect((await search(keys.acme, { mode, ...filter })).body.items).toEqual([]);
      }
    }
  });

  test('in any method of the repository', async () => {
    const own = createMemory(() => api);
    const other = createMemory(() => api);
    const [ownId = ''] = await own.store({ content: 'garden mine' });
    const otherIds = await other.store({ content: 'garden theirs' }, { content: 'more of theirs' });
    await own.embed();
    await other.embed();
    const [vector] = await new WordEmbedder().embed(['garden'], { kind: 'query' });
    const repository = createSearchRepository(api.db);
    const none = {
      conversationIds: undefined,
      roles: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      importanceMin: undefined,
      metadata: undefined,
    };
    const query: CandidateQuery = {
      tenantId: own.tenantId,
      generation: api.generation,
      vector,
      text: 'garden theirs',
      limit: 10,
      filter: none,
    };

    expect((await repository.findCandidates(query)).map((candidate) => candidate.id)).toEqual([ownId]);
    expect(await repository.findNeighbours(query, otherIds)).toEqual({ neighbours: [], adjacency: [] });
    expect(await repository.findNeighbours(query, [ownId])).toEqual({ neighbours: [], adjacency: [] });
    expect(await repository.getHits(own.tenantId, api.generation, otherIds, vector)).toEqual([]);
    expect(await repository.getHits(other.tenantId, api.generation, otherIds, vector)).toHaveLength(2);
  });
});
