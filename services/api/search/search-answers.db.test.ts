import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Memory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const newMemory = () => createMemory(() => api);

describe('top_k', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = newMemory();
    const seeds = Array.from({ length: 120 }, (_, n) => ({
      content: `garden number${n}`,
      conversation_id: `c${n % 7}`,
      importance: (n % 10) / 10,
      metadata: { even: n % 2 === 0 },
    }));
    await memory.store(...seeds.slice(0, 60));
    await memory.embed();
    // The other half is found by words alone.
    await memory.store(...seeds.slice(60));
  });

  test.each([1, 2, 5, 50, 60])('never fewer than %d when so many match', async (top_k) => {
    for (const mode of ['hybrid', 'vector', 'lexical']) {
      for (const candidate_limit of [1, 200]) {
        const { items, total } = await memory.search('garden', { top_k, mode, candidate_limit });
        expect([items.length, total]).toEqual([top_k, top_k]);
        expect(new Set(items.map((item) => item.message_id)).size).toBe(top_k);
        const scores = items.map((item) => item.score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      }
    }
  });

  test('nor under a filter; and all there are when there are fewer', async () => {
    const filter = { metadata: { even: true }, importance_min: 0.8 };
    expect(await memory.find('garden', { ...filter, top_k: 12, candidate_limit: 1 })).toHaveLength(12);
    expect(await memory.find('garden', { ...filter, top_k: 100 })).toHaveLength(12);
    expect(await memory.find('garden', { top_k: 100 })).toHaveLength(100);
    expect(await memory.find('garden')).toHaveLength(5);
  });
});

describe('the messages around a hit', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

  test('are evidence: an answer rises by the question before it', async () => {
    const memory = newMemory();
    await memory.store(
      { content: 'where is the garden key', created_at: at(1) },
      { content: 'under a stone', created_at: at(2) },
      { content: 'in his pocket', conversation_id: 'other', created_at: at(2) },
    );
    await memory.embed();
    const { items } = await memory.search('garden key', { mode: 'vector' });
    expect(items.map((item) => item.content).slice(0, 2)).toEqual(['where is the garden key', 'under a stone']);
    const contexts = new Map(items.map((item) => [item.content, item.breakdown.context]));
    expect(contexts.get('under a stone')).toBeGreaterThan(0);
    expect(contexts.get('in his pocket')).toBe(0);
  });

  test('give evidence when a filter keeps them from being hits', async () => {
    const memory = newMemory();
    await memory.store(
      { content: 'tell me of the garden', role: 'user', created_at: at(1) },
      { content: 'roses and weeds', role: 'assistant', created_at: at(2) },
      { content: 'bread and salt', role: 'assistant', created_at: at(1), conversation_id: 'other' },
    );
    await memory.embed();
    const { items } = await memory.search('garden', { role: 'assistant' });
    expect(items.map((item) => item.content)).toEqual(['roses and weeds', 'bread and salt']);
    expect(items[0]?.breakdown.context).toBeGreaterThan(0);
  });
});

describe('a query of', () => {
  const odd = `it's a "garden" & a \\wall\\ | !gate <-> (path):*`;
  let memory: Memory;
  beforeAll(async () => {
    memory = newMemory();
    await memory.store({ content: odd }, { content: 'the of and', conversation_id: 'other' });
    await memory.embed();
  });

  test('stop words only matches no words, and still has a meaning', async () => {
    expect(await memory.find('the of and', { mode: 'lexical' })).toEqual([]);
    expect(await memory.find('the of and', { mode: 'vector' })).toContain('the of and');
    expect((await memory.find('the of and'))[0]).toBe('the of and');
  });

  const isDegraded = async (query: string) => {
    const modes = ['hybrid', 'vector', 'lexical'];
    const answers = await Promise.all(modes.map((mode) => memory.search(query, { mode })));
    return answers.some((answer) => answer.degraded);
  };
  const best = async (query: string) => (await memory.find(query, { mode: 'lexical' }))[0];

  test.each([
    `garden & | !`,
    `!garden`,
    `'garden'`,
    `"garden`,
    `garden:*`,
    `garden <-> wall`,
    `\\garden\\`,
    `garden'; drop table message; --`,
    '$1 garden {x} %s %',
    `+garden - wall`,
    `(garden)) ((`,
  ])('operators, quotes or backslashes is words: %j', async (query) => {
    expect(await isDegraded(query)).toBe(false);
    expect(await best(query)).toBe(odd);
  });

  test.each([
    `a & b | !c <-> "x' \\\\`,
    `<garden>&amp;`,
    `http://a.b/garden?x='y'&z=\\`,
    `'`,
    `\\`,
    `|`,
    `()`,
    `\u202egarden`,
  ])('what is hardly words is answered: %j', async (query) => {
    expect(await isDegraded(query)).toBe(false);
  });

  test.each([
    ['ten thousand letters', 'x'.repeat(10_000)],
    ['ten thousand letters that grow in lower case', 'Ⱥ'.repeat(10_000)],
    ['a thousand of them', 'Ⱥ'.repeat(1000)],
    ['ten thousand quotes', `'`.repeat(10_000)],
    ['two thousand words', Array.from({ length: 2000 }, (_, n) => `w${n}`).join(' ')],
    ['one word again and again', 'wall '.repeat(2000)],
  ])('%s is answered, and its last word is not lost', async (_, start) => {
    const query = `${start.slice(0, 9993)} garden`;
    expect(await isDegraded(query)).toBe(false);
    expect(await best(query)).toBe(odd);
  });
});

describe('while the embedder', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = newMemory();
    await memory.store({ content: 'gardening in May' });
    await memory.embed();
  });
  afterEach(async () => {
    await api.healEmbedder();
  });

  test.each(['failing', 'rejecting', 'hanging'] as const)(
    'is %s, search answers by words and says so',
    async (mood) => {
      api.embedder.mood = mood;
      // More often than the circuit breaker lets through.
      for (const query of ['garden', 'gardens', 'gardened', 'a garden', 'my garden']) {
        for (const mode of ['hybrid', 'vector']) {
          const { degraded, items } = await memory.search(`${query} ${mood}`, { mode });
          expect(degraded).toBe(true);
          expect(items).toMatchObject([{ content: 'gardening in May', similarity: null, breakdown: { vector: 0 } }]);
        }
        expect((await memory.search(`${query} ${mood}`, { mode: 'lexical' })).degraded).toBe(false);
      }
      const byUrl = `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden+${mood}+by+url`;
      expect(await api.call('GET', byUrl)).toMatchObject({ status: 200, body: { degraded: true, total: 1 } });

      await api.healEmbedder();
      const recovered = await memory.search(`gardenia, not ${mood} any more`, { mode: 'vector' });
      expect(recovered).toMatchObject({ degraded: false, total: 1 });
    },
  );

  test('is failing, a query it knows already is answered by meaning', async () => {
    await memory.search('gardenia', { mode: 'vector' });
    api.embedder.mood = 'failing';
    expect(await memory.search('gardenia', { mode: 'vector' })).toMatchObject({ degraded: false, total: 1 });
    expect(await memory.search('gardenias', { mode: 'vector' })).toMatchObject({ degraded: true, total: 0 });
  });

  test('is failing, messages are stored all the same', async () => {
    api.embedder.mood = 'failing';
    const asked = api.embedder.asked.length;
    expect(await memory.store({ content: 'a shed' })).toHaveLength(1);
    expect(api.embedder.asked).toHaveLength(asked);
  });
});

test('searches are counted by mode and outcome', async () => {
  api.metrics.registry.resetMetrics();
  const memory = newMemory();
  await memory.search('counted', { mode: 'lexical' });
  await memory.search('counted');
  const text = await api.metrics.registry.metrics();
  expect(text).toContain('aiml_memory_search_total{mode="lexical",degraded="false"} 1');
  expect(text).toContain('aiml_memory_search_total{mode="hybrid",degraded="false"} 1');
});
