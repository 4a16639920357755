import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../../testing/expect-problem.ts';
import { createMemory, type Hit, type Memory, type SearchAnswer } from '../../testing/search-fixture.ts';
import { keys, startTestApi, type TestApi } from '../../testing/test-api.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const idsOf = (items: readonly Hit[]) => items.map((item) => item.message_id);
const seedsOf = (count: number, word = 'garden') =>
  Array.from({ length: count }, (_, n) => ({
    content: `${word} number${n} ${'and more '.repeat(n % 5)}`,
    conversation_id: `c${n % 9}`,
    importance: (n % 10) / 10,
  }));

/** All pages, the first to the last; `between` happens after each. */
async function walk(memory: Memory, options: object, between: () => Promise<unknown> = async () => undefined) {
  const pages: SearchAnswer[] = [];
  for (let cursor: string | null | undefined; cursor !== null; cursor = pages.at(-1)?.next_cursor ?? null) {
    const page = await memory.search('garden', { ...options, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page);
    if (pages.length > 200) throw new Error('pages without an end');
    await between();
  }
  return pages;
}

describe('pages', () => {
  let memory: Memory;
  let ids: string[];
  beforeAll(async () => {
    memory = createMemory(() => api);
    ids = await memory.store(...seedsOf(60));
    await memory.embed();
    ids.push(...(await memory.store(...seedsOf(31, 'garden waiting'))));
  });

  test.each(['hybrid', 'vector', 'lexical'])(
    'together show everything once, and of the same candidates in the order of one page: %s',
    async (mode) => {
      const asked = { mode, candidate_limit: 200 };
      const pages = await walk(memory, { ...asked, top_k: 7 });
      const all = pages.flatMap((page) => page.items);
      const scores = (items: readonly Hit[]) => items.map((item) => [item.message_id, item.score, item.decay]);
      const one = await memory.search('garden', { ...asked, top_k: 25 });
      expect(scores(all.slice(0, 25))).toEqual(scores(one.items));
      // However much the pages after the first one show.
      const first = await memory.search('garden', { ...asked, top_k: 7 });
      const rest = await memory.search('garden', { ...asked, top_k: 100, cursor: first.next_cursor });
      expect(scores(all)).toEqual(scores([...first.items, ...rest.items]));
      expect(new Set(idsOf(all)).size).toBe(mode === 'vector' ? 60 : 91);
      for (const page of nonEmpty(pages.slice(0, -1))) {
        expect(page).toMatchObject({ items: { length: 7 }, exhausted: false });
      }
      expect(pages.at(-1)).toMatchObject({ next_cursor: null, exhausted: true });
    },
  );

  test.each([[1], [10], [100]])('never end early for a candidate_limit of %d', async (candidate_limit) => {
    const pages = await walk(memory, { mode: 'lexical', top_k: 10, candidate_limit });
    expect(pages.flatMap((page) => idsOf(page.items)).toSorted()).toEqual(ids.toSorted());
  });

  test('are of one order when hits are to differ, and when they have to score', async () => {
    for (const options of [
      { diversity: 0.7 },
      { score_min: 0.4 },
      { similarity_min: 0.3 },
      { diversity: 1, role: 'user' },
    ].map((each) => ({ ...each, candidate_limit: 200 }))) {
      const pages = await walk(memory, { ...options, top_k: 9 });
      const first = await memory.search('garden', { ...options, top_k: 9 });
      const rest = await memory.search('garden', { ...options, top_k: 100, cursor: first.next_cursor });
      expect(pages.flatMap((page) => idsOf(page.items))).toEqual(idsOf([...first.items, ...rest.items]));
    }
  });

  test('an end that falls on the end of a page is known there', async () => {
    const pages = await walk(memory, { mode: 'lexical', top_k: 91 });
    expect(pages).toMatchObject([{ items: { length: 91 }, next_cursor: null, exhausted: true }]);
    expect(await memory.search('nothing like it', { mode: 'lexical' })).toMatchObject({
      next_cursor: null,
      exhausted: true,
    });
  });

  test('may grow, show neighbours and change to the query string on the way', async () => {
    const first = await memory.search('garden', { top_k: 3 });
    const query = new URLSearchParams({ tenant_id: memory.tenantId, query: 'garden', top_k: '100', neighbours: '1' });
    query.set('cursor', first.next_cursor ?? '');
    const rest = await api.call('GET', `/v1/memory/search?${String(query)}`);
    expect(rest).toMatchObject({ status: 200, body: { total: 88, exhausted: true } });
    expect(new Set([...idsOf(first.items), ...idsOf(rest.body.items)]).size).toBe(91);
  });
});

describe('between the pages', () => {
  test('messages arrive, are embedded and deleted, and time goes by', async () => {
    const memory = createMemory(() => api);
    const ids = await memory.store(...seedsOf(50));
    await memory.embed();
    ids.push(...(await memory.store(...seedsOf(30, 'garden waiting'))));
    const gone = ids.slice(20, 24);
    let arrived = 0;
    const pages = await walk(memory, { top_k: 9 }, async () => {
      arrived += 5;
      // Better than all there are: they would come first.
      await memory.store(...Array.from({ length: 5 }, () => ({ content: 'garden', importance: 1 })));
      await memory.embed();
      const id = gone.pop();
      if (id !== undefined) await api.call('DELETE', `/v1/messages/${id}?tenant_id=${memory.tenantId}`);
    });
    const shown = pages.flatMap((page) => idsOf(page.items));
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.every((id) => ids.includes(id))).toBe(true);
    expect(
      nonEmpty(ids.filter((id) => !shown.includes(id))).every((id) => ids.indexOf(id) >= 20 && ids.indexOf(id) < 24),
    ).toBe(true);
    expect(arrived).toBeGreaterThan(30);
  });

  test('writers never pause, and no page repeats, skips or lets one in', { timeout: 60_000 }, async () => {
    const memory = createMemory(() => api);
    const before = await memory.store(...seedsOf(120));
    const late = new Set<string>();
    const walking = new AbortController();
    let isFirstShown = false;
    const write = async () => {
      while (!walking.signal.aborted) {
        const isLate = isFirstShown;
        const stored = await memory.store(...seedsOf(3), { content: 'garden garden', importance: 1 });
        if (isLate) for (const id of stored) late.add(id);
        await sleep(1);
      }
    };
    const embed = async () => {
      while (!walking.signal.aborted) {
        await memory.embed();
        await sleep(5);
      }
    };
    const writers = Promise.all([write(), write(), write(), embed()]);
    const pages = await walk(memory, { top_k: 10, collapse: false }, async () => {
      isFirstShown = true;
      await sleep(2);
    }).finally(() => {
      walking.abort();
    });
    await writers;
    const shown = pages.flatMap((page) => idsOf(page.items));
    expect(new Set(shown).size).toBe(shown.length);
    expect(before.filter((id) => !shown.includes(id))).toEqual([]);
    expect(shown.filter((id) => late.has(id))).toEqual([]);
    expect(late.size).toBeGreaterThan(20);
    expect(pages.at(-1)).toMatchObject({ exhausted: true });
  });

  test('the embedder comes back', async () => {
    const memory = createMemory(() => api);
    const ids = await memory.store(...seedsOf(20));
    await memory.store({ content: 'gardenia' });
    await memory.embed();
    api.embedder.mood = 'failing';
    const first = await memory.search('garden again');
    await api.healEmbedder();
    const rest = await memory.search('garden again', { top_k: 100, cursor: first.next_cursor });
    expect([first.degraded, rest.degraded]).toEqual([true, false]);
    const contents = [...first.items, ...rest.items].map((item) => item.content);
    expect([contents.length, new Set(contents).size]).toEqual([ids.length + 1, ids.length + 1]);
  });
});

describe('pages of very many', () => {
  test('end after a thousand hits, and say that there is more', { timeout: 60_000 }, async () => {
    const memory = createMemory(() => api);
    for (let batch = 0; batch < 3; batch += 1) await memory.store(...seedsOf(400));
    const pages = await walk(memory, { mode: 'lexical', top_k: 100, collapse: false });
    const shown = pages.flatMap((page) => idsOf(page.items));
    expect([shown.length, new Set(shown).size]).toEqual([1000, 1000]);
    expect(pages.map((page) => page.exhausted)).toEqual(Array.from({ length: 10 }, () => false));
    expect(pages.at(-1)?.next_cursor).toBeNull();
  });
});

describe('a cursor that is not of this search is refused', () => {
  let cursor: string;
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store(...seedsOf(10));
    cursor = (await memory.search('garden')).next_cursor ?? '';
  });
  const search = (body: object) =>
    api.call('POST', '/v1/memory/search', { body: { tenant_id: memory.tenantId, query: 'garden', cursor, ...body } });
  const named = [{ in: 'body', pointer: '/cursor' }] as const;

  test.each<[string, object]>([
    ['another query', { query: 'gardens' }],
    ['another mode', { mode: 'lexical' }],
    ['another filter', { filter: { key: 'a', eq: 1 } }],
    ['other weights', { weights: { decay: 0 } }],
    ['another tenant', { tenant_id: 'acme' }],
  ])('%s', async (_, other) => {
    expectProblem(await search(other), 'invalid_request', named);
  });

  test.each(['', 'x', 'null', 'A'.repeat(8054), '\u202e', `${'A'.repeat(70)}=`])('%.20j', async (forged) => {
    expectProblem(await search({ cursor: forged }), 'invalid_request', named);
  });

  test('one that is too long, or is no text', async () => {
    for (const bad of ['A'.repeat(9000), null, 1, {}]) {
      expectProblem(await search({ cursor: bad }), 'invalid_request', named);
    }
  });

  test('in the query string too', async () => {
    const answer = await api.call('GET', `/v1/memory/search?tenant_id=acme&query=garden&cursor=${cursor}`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: '/cursor' }]);
  });

  test('security: another tenant learns nothing by it', async () => {
    const answer = await api.call('POST', '/v1/memory/search', { key: keys.acme, body: { query: 'garden', cursor } });
    expectProblem(answer, 'invalid_request', named);
  });
});
