import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { createMemory } from '../testing/search-fixture.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { WordEmbedder } from '../testing/word-embedder.ts';
import { createLexicalIndex } from './plan/lexical-query.ts';
import { createSearchPlan, planTenant } from './plan/search-plan.ts';
import { noFilter } from './plan/testing/no-filter.ts';
import { parseOperators } from './query/parse-query.ts';
import { createSearchRepository } from './sql/search.repository.ts';
import { createLexicalRepository } from './stats/lexical.repository.ts';
import { noSegments } from './stats/segment-directory.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

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
        confidence: expect.any(Number),
        similarity: expect.closeTo(Math.SQRT1_2, 2),
        decay: expect.any(Number),
        importance: 0.25,
        duplicates: 0,
        breakdown: {
          similarity: items[0]?.similarity,
          vector: expect.any(Number),
          lexical: expect.any(Number),
          context: 0,
          speaker: 0,
          length: expect.any(Number),
          role: 0,
          recency: 0,
          session: expect.any(Number),
          nearby: { vector: expect.any(Number), lexical: expect.any(Number) },
          time: 0,
          relevance: expect.any(Number),
          importance: 0.25,
          decay: items[0]?.decay,
          score: items[0]?.score,
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

  test('nor do its better matches take the places of hits', async () => {
    const own = createMemory(() => api);
    const other = createMemory(() => api);
    await own.store({ content: 'one garden among many words about other things' });
    await other.store(...Array.from({ length: 20 }, () => ({ content: 'garden garden' })));
    await own.embed();
    await other.embed();
    for (const mode of ['hybrid', 'vector', 'lexical']) {
      expect(await own.find('garden', { mode, top_k: 1, candidate_limit: 1 })).toHaveLength(1);
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
    const repository = createSearchRepository({ queries: api.db, prepared: api.db });
    const plan = createSearchPlan({
      // In all partitions, where the other one's messages are too.
      tenant: planTenant(own.tenantId, { messages: 1 }),
      generation: api.generation,
      vector,
      segments: noSegments,
      lexical: await createLexicalIndex({
        repository: createLexicalRepository(api.db),
        clock: systemClock,
        onError: (error) => expect.fail(error.message),
      }).prepare(own.tenantId, parseOperators('garden theirs')),
      byWords: true,
      limit: 10,
      filter: noFilter,
    });

    expect((await repository.findCandidates(plan)).map((candidate) => candidate.id)).toEqual([ownId]);
    expect((await repository.findNeighbourhood(plan, otherIds)).candidates).toEqual([]);
    const around = await repository.findNeighbourhood(plan, [ownId, ...otherIds]);
    expect(around.candidates.map((candidate) => candidate.id)).toEqual([ownId]);
    expect(await repository.getHits(plan, otherIds, vector)).toEqual([]);
    expect(await repository.listNeighbours({ tenantId: own.tenantId, ids: otherIds, count: 5 })).toEqual(
      new Map(otherIds.map((id) => [id, { before: [], after: [], truncated: false }])),
    );
    const theirs = { tenantId: own.tenantId, generation: api.generation, ids: otherIds };
    expect(await repository.listMeanVectors(theirs)).toEqual(new Map());
    expect((await repository.listMeanVectors({ ...theirs, tenantId: other.tenantId })).size).toBe(2);
    expect(
      await repository.getHits({ ...plan, tenant: planTenant(other.tenantId, { messages: 1 }) }, otherIds, vector),
    ).toHaveLength(2);
  });
});
