import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Hit, type Memory } from '../testing/search-fixture.ts';
import { now, startTestApi, type TestApi } from '../testing/test-api.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000).toISOString();
const byContent = (items: readonly Hit[]) => new Map(items.map((item) => [item.content, item]));

describe('weights', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store(
      { content: 'garden gardenia gardening', importance: 0, created_at: daysAgo(30), conversation_id: 'a' },
      { content: 'my garden in words', importance: 0.5, created_at: daysAgo(14), conversation_id: 'b' },
      { content: 'gardening', importance: 1, created_at: daysAgo(20), conversation_id: 'c' },
      { content: 'gardenias', importance: 0.2, created_at: daysAgo(0), conversation_id: 'd' },
    );
    await memory.embed();
  });
  const only = (part: string) => ({
    weights: { relevance: 0, importance: 0, decay: 0, [part]: 1 },
  });

  test('of the parts: one alone decides', async () => {
    expect((await memory.find('garden', only('importance')))[0]).toBe('gardening');
    expect((await memory.find('garden', only('decay')))[0]).toBe('gardenias');
    for (const [part, items] of [
      ['relevance', (await memory.search('garden', only('relevance'))).items],
      ['importance', (await memory.search('garden', only('importance'))).items],
      ['decay', (await memory.search('garden', only('decay'))).items],
    ] as const) {
      for (const item of nonEmpty(items)) expect(item.score).toBeCloseTo(item.breakdown[part]);
    }
  });

  test('of the sides: the vector alone, or the words alone', async () => {
    const around = { speaker: 0, length: 0, role: 0, recency: 0, session: 0, context: 0, date: 0 };
    const relevance = { ...around, relevance: 1, importance: 0, decay: 0 };
    for (const [side, other] of [
      ['vector', 'lexical'],
      ['lexical', 'vector'],
    ] as const) {
      const { items } = await memory.search('garden', { weights: { ...relevance, [side]: 2, [other]: 0 } });
      const best = items[0]?.breakdown[side] ?? 0;
      expect(best).toBeGreaterThan(0);
      for (const item of nonEmpty(items)) expect(item.breakdown.relevance).toBeCloseTo(item.breakdown[side] / best);
    }
  });

  test('of the side that is not asked: the other decides though it weighs nothing', async () => {
    api.embedder.mood = 'failing';
    const degraded = await memory.search('gardening and more', { weights: { lexical: 0 } });
    await api.healEmbedder();
    expect(degraded).toMatchObject({ degraded: true });
    const byWords = await memory.search('gardening', { mode: 'lexical', weights: { lexical: 0 } });
    const byVector = await memory.search('gardening', { mode: 'vector', weights: { vector: 0 } });
    for (const { items } of [degraded, byWords, byVector]) {
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) expect(item.score).toEqual(expect.any(Number));
    }
  });

  test('that are left out are as configured, and a breakdown explains its score', async () => {
    const { items } = await memory.search('garden', { weights: { importance: 0.9 } });
    for (const { score, similarity, importance, decay, breakdown } of nonEmpty(items)) {
      const weighted = 0.6 * breakdown.relevance + 0.9 * breakdown.importance + 0.1 * breakdown.decay;
      expect(score).toBeCloseTo(weighted / 1.6);
      expect(breakdown).toMatchObject({ score, similarity, importance, decay });
    }
  });
});

describe('decay', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store({ content: 'garden', created_at: daysAgo(7) });
  });
  const decayWith = async (options: object) => (await memory.search('garden', options)).items[0]?.decay;

  test.each([
    [0.5, {}],
    [0.5, { decay_mode: 'half_life' }],
    [0.25, { half_life_days: 3.5 }],
    [0.5 ** 0.5, { decay_mode: 'half_life', half_life_days: 14 }],
    [1 / Math.E, { decay_mode: 'legacy' }],
    [1, { decay_mode: 'none' }],
  ])('of a week is %d with %j', async (decay, options) => {
    expect(await decayWith(options)).toBeCloseTo(decay);
  });

  test('by the query string', async () => {
    const search = async (query: string) =>
      (await api.call('GET', `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden&${query}`)).body.items[0]
        .decay;
    expect(await search('half_life_days=3.5')).toBeCloseTo(0.25);
    expect(await search('decay_mode=legacy')).toBeCloseTo(1 / Math.E);
  });
});

describe('thresholds', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store(
      { content: 'garden', importance: 0.9 },
      { content: 'garden of words and many other things', importance: 0.1 },
      { content: 'bread and salt', importance: 0.5 },
    );
    await memory.embed();
    await memory.store({ content: 'garden, waiting', importance: 1 });
  });
  afterEach(async () => {
    await api.healEmbedder();
  });

  test.each(['hybrid', 'vector'])(
    'similarity_min: no hit is less similar, or of unknown similarity: %s',
    async (mode) => {
      const all = (await memory.search('garden', { mode, top_k: 100 })).items;
      for (const similarity_min of [-1, 0, 0.3, 0.5, 0.99]) {
        const { items } = await memory.search('garden', { mode, similarity_min });
        const expected = all.filter(({ similarity }) => similarity !== null && similarity >= similarity_min);
        expect(items.map((item) => item.content).toSorted()).toEqual(expected.map((item) => item.content).toSorted());
      }
      expect(await memory.find('garden', { mode, similarity_min: 0.99 })).toEqual(['garden']);
      expect(await memory.find('garden', { mode, similarity_min: -1 })).not.toContain('garden, waiting');
    },
  );

  test('similarity_min: nothing is known to be similar while the query cannot be embedded', async () => {
    api.embedder.mood = 'failing';
    expect(await memory.search('garden words', { similarity_min: 0.1 })).toMatchObject({
      degraded: true,
      total: 0,
      items: [],
    });
    expect(await memory.search('garden words')).toMatchObject({ degraded: true, total: 3 });
  });

  test('score_min: no hit scores less', async () => {
    const all = (await memory.search('garden')).items;
    const bar = all[1]?.score ?? 0;
    const { items, ...rest } = await memory.search('garden', { score_min: bar });
    expect(items).toEqual(all.slice(0, 2));
    expect(rest).toMatchObject({ total: 2, exhausted: true });
    expect(await memory.find('garden', { score_min: 1 })).toEqual([]);
  });

  test('by the query string', async () => {
    const path = `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden`;
    expect((await api.call('GET', `${path}&similarity_min=0.99`)).body).toMatchObject({ total: 1 });
    expect((await api.call('GET', `${path}&similarity_min=-1&importance_max=0.5`)).body).toMatchObject({ total: 2 });
    expect((await api.call('GET', `${path}&score_min=1`)).body).toMatchObject({ total: 0 });
  });
});

describe('a message without any of the words', () => {
  test('is no hit by words for what stands beside it', async () => {
    const memory = createMemory(() => api);
    await memory.store({ content: 'my garden' }, { content: 'under a stone' });
    await memory.embed();
    await memory.store({ content: 'still waiting' });
    expect(await memory.find('garden', { mode: 'lexical' })).toEqual(['my garden']);
    expect((await memory.find('garden')).toSorted()).toEqual(['my garden', 'under a stone']);
    api.embedder.mood = 'failing';
    expect(await memory.search('garden beside')).toMatchObject({ degraded: true, items: [{ content: 'my garden' }] });
    await api.healEmbedder();
  });
});

describe('diversity', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    const inOwn = (content: string, n: number) => ({ content, conversation_id: `d${n}`, importance: 0.5 });
    await memory.store(
      ...['garden rose', 'garden rose', 'garden rose', 'garden shed', 'garden wall'].map((content, n) =>
        inOwn(content, n),
      ),
    );
    await memory.embed();
  });

  test.each(['hybrid', 'vector', 'lexical'])('puts what is unlike before what repeats: %s', async (mode) => {
    const plain = await memory.find('garden rose', { mode, collapse: false });
    expect(plain.slice(0, 3)).toEqual(['garden rose', 'garden rose', 'garden rose']);
    expect(await memory.find('garden rose', { mode, collapse: false, diversity: 0 })).toEqual(plain);
    const spread = await memory.find('garden rose', { mode, collapse: false, diversity: 0.9 });
    expect(new Set(spread.slice(0, 3)).size).toBe(3);
    expect(spread[0]).toBe('garden rose');
    expect(spread.toSorted()).toEqual(plain.toSorted());
  });

  test('by the query string', async () => {
    const query = new URLSearchParams({
      tenant_id: memory.tenantId,
      query: 'garden rose',
      top_k: '3',
      diversity: '0.9',
      collapse: 'false',
    });
    const { body } = await api.call('GET', `/v1/memory/search?${String(query)}`);
    expect(new Set(body.items.map((item: Hit) => item.content)).size).toBe(3);
  });
});

describe('the breakdown', () => {
  test('shows the same as the hit', async () => {
    const memory = createMemory(() => api);
    await memory.store({ content: 'garden' }, { content: 'garden walls' });
    await memory.embed();
    const hits = byContent((await memory.search('garden')).items);
    for (const { score, similarity, importance, decay, breakdown } of nonEmpty(hits.values())) {
      expect(breakdown).toMatchObject({ similarity, importance, decay, score });
      const { nearby, ...parts } = breakdown;
      const values = nonEmpty([...Object.values(parts), ...Object.values(nearby)]);
      for (const part of values) expect(part).toEqual(expect.any(Number));
    }
  });
});

test('a question for rules finds what a user asked for once and for all, without a word in common', async () => {
  const memory = createMemory(() => api);
  const advice = { content: 'Always water the garden.', role: 'assistant', conversation_id: 'b' };
  await memory.store({ content: 'Call me Jo from now on.', conversation_id: 'a' }, advice, { content: 'Rain.' });
  expect(await memory.find('Any rules?', { mode: 'lexical' })).toEqual(['Call me Jo from now on.']);
  expect(await memory.find('Any news?', { mode: 'lexical' })).toEqual([]);
});

describe('a vector that is given', () => {
  let memory: Memory;
  let given: number[];
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store({ content: 'gardening in spring' }, { content: 'a boat on the sea' }, { content: 'the sea' });
    await memory.embed();
    const [vector = Float32Array.of()] = await api.embedder.embed(['sailing boats at sea'], { kind: 'query' });
    given = Array.from(vector);
  });
  afterEach(() => api.healEmbedder());

  test('finds what the query finds whose vector it is, of any length, with nothing embedded', async () => {
    const options = { mode: 'vector', top_k: 3 };
    const expected = await memory.search('sailing boats at sea', options);
    api.embedder.asked.length = 0;
    const found = await memory.search('something else', { ...options, vector: given.map((value) => 7 * value) });
    const shown = ({ items }: typeof found) =>
      items.map(({ content, similarity }) => [content, similarity?.toFixed(3)]);
    expect(shown(found)).toEqual(shown(expected));
    expect(found.items[0]?.content).toBe('a boat on the sea');
    expect(api.embedder.asked).toEqual([]);
  });

  test('counts beside the words of the query, and while the model is away', async () => {
    api.embedder.mood = 'failing';
    const found = await memory.search('gardening', { vector: given });
    expect(found.degraded).toBe(false);
    expect(found.items.map(({ content }) => content).toSorted()).toEqual([
      'a boat on the sea',
      'gardening in spring',
      'the sea',
    ]);
  });

  test('goes on page by page with the same one alone', async () => {
    const first = await memory.search('sea', { vector: given, top_k: 1 });
    const options = { top_k: 1, cursor: first.next_cursor };
    const next = await memory.search('sea', { ...options, vector: given });
    expect(next.items[0]?.message_id).not.toBe(first.items[0]?.message_id);
    const body = { tenant_id: memory.tenantId, query: 'sea', ...options };
    expect(await api.call('POST', '/v1/memory/search', { body })).toMatchObject({ status: 422 });
  });

  test.each<[string, object]>([
    ['has 2 components: those of the model have 64', { vector: [1, 0] }],
    ['has no direction', { vector: Array.from({ length: 64 }, () => 0) }],
    ['has a component that single precision cannot hold', { vector: [1e39] }],
    ['must have the number of components that the model has', { vector: [] }],
    ['must have at most 4096 components', { vector: Array.from({ length: 4097 }, () => 1) }],
    ['means nothing with the mode lexical, which compares words alone', { vector: [1], mode: 'lexical' }],
  ])('is refused that %s', async (detail, options) => {
    const body = { tenant_id: memory.tenantId, query: 'sea', ...options };
    const answer = await api.call('POST', '/v1/memory/search', { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/vector', detail }] } });
  });
});
