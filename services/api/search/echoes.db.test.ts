import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Hit, type Memory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const newMemory = () => createMemory(() => api);
const modes = ['hybrid', 'vector', 'lexical'];
const saidWith = (items: readonly Hit[]) => items.map(({ content, duplicates }) => `${content} ${duplicates}`);

describe('a question that repeats the query', () => {
  const question = 'Where does Ana live?';
  const answer = 'Ana lives in Lisbon near the river.';

  test('is no answer to it', async () => {
    const memory = newMemory();
    const asked = Array.from({ length: 4 }, (_, n) => ({ content: question, conversation_id: `c${n}` }));
    await memory.store({ content: answer }, ...asked, { content: 'So where does Ana live?', conversation_id: 'd' });
    await memory.embed();
    for (const mode of modes) {
      const { items } = await memory.search(question, { mode });
      expect([mode, items[0]?.content]).toEqual([mode, answer]);
      expect(items.find(({ content }) => content === question)).toMatchObject({
        duplicates: 3,
        breakdown: { echo: true },
      });
      expect(items[0]?.breakdown.echo).toBeUndefined();
    }
    const plain = await memory.search(question, { weights: { echo: 0 } });
    expect(plain.items[0]?.content).toBe(question);
  });

  test('is no answer to it when it asks for rules, either', async () => {
    const memory = newMemory();
    const asked = 'What are my preferences?';
    await memory.store({ content: asked }, { content: 'I prefer tabs over spaces.', conversation_id: 'b' });
    await memory.embed();
    for (const mode of ['hybrid', 'lexical']) {
      expect([mode, (await memory.find(asked, { mode }))[0]]).toEqual([mode, 'I prefer tabs over spaces.']);
    }
  });

  test('is found when nothing else is there', async () => {
    const memory = newMemory();
    await memory.store({ content: question });
    await memory.embed();
    for (const mode of modes) {
      expect(await memory.find('where does Ana live', { mode })).toEqual([question]);
    }
  });

  test('and a statement finds itself first', async () => {
    const memory = newMemory();
    await memory.store({ content: answer }, { content: 'Ana lives in Porto near the river.' }, { content: question });
    await memory.embed();
    for (const mode of modes) expect((await memory.find(answer, { mode }))[0]).toBe(answer);
  });

  test('still says what its answer is about', async () => {
    const memory = newMemory();
    await memory.store({ content: question }, { content: 'Lisbon, by the river.' });
    await memory.embed();
    const { items } = await memory.search(question, { mode: 'vector' });
    const found = items.find(({ content }) => content !== question);
    expect(found?.breakdown.context).toBeGreaterThan(0);
  });
});

describe('what is said again and again', () => {
  let memory: Memory;
  const other = (n: number) => `Ana has a garden number${n}`;
  beforeAll(async () => {
    memory = newMemory();
    const again = ['The garden is green.', 'the garden  is GREEN', 'The garden is green!', '"The garden is green"'];
    const seeds = Array.from({ length: 40 }, (_, n) => ({ content: again[n % 4] ?? '', conversation_id: `c${n % 3}` }));
    await memory.store(
      ...seeds,
      ...Array.from({ length: 12 }, (_, n) => ({ content: other(n), conversation_id: 'd' })),
    );
    await memory.embed();
  });

  test.each(modes)('is one hit, with the number of the others: %s', async (mode) => {
    const { items, exhausted } = await memory.search('green garden', { mode, top_k: 5 });
    expect(items.map(({ duplicates }) => duplicates)).toEqual([39, 0, 0, 0, 0]);
    expect(new Set(items.map(({ content }) => content)).size).toBe(5);
    expect(exhausted).toBe(false);
  });

  test('unless it is to be seen', async () => {
    const { items } = await memory.search('green garden', { top_k: 40, collapse: false });
    expect(new Set(items.map(({ content }) => content.toLowerCase().replaceAll(/\W+/gu, ''))).size).toBe(1);
    expect(items).toHaveLength(40);
    const path = `/v1/memory/search?tenant_id=${memory.tenantId}&query=green+garden&top_k=50`;
    expect(await api.call('GET', path)).toMatchObject({ body: { total: 13 } });
    expect(await api.call('GET', `${path}&collapse=false`)).toMatchObject({ body: { total: 50 } });
    expect(await api.call('GET', `${path}&collapse=no`)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/collapse' }] },
    });
  });

  test.each([
    ['hybrid', 3, 60],
    ['hybrid', 5, 1],
    ['vector', 4, 10],
    ['lexical', 2, 1],
    ['lexical', 100, 60],
  ])(
    'comes on one page, and nothing is skipped: %s, %d a page of %d candidates',
    async (mode, top_k, candidate_limit) => {
      const items: Hit[] = [];
      let cursor: string | null | undefined;
      for (let pages = 0; cursor !== null; pages += 1) {
        expect(pages).toBeLessThan(60);
        const asked = { mode, top_k, candidate_limit, ...(cursor === undefined ? {} : { cursor }) };
        const page = await memory.search('green garden', asked);
        items.push(...page.items);
        cursor = page.next_cursor;
        expect(page.exhausted).toBe(cursor === null);
      }
      const said = items.map(({ content }) => content.toLowerCase().replaceAll(/\W+/gu, ' ').trim());
      expect(said.toSorted()).toEqual(
        ['the garden is green', ...Array.from({ length: 12 }, (_, n) => other(n).toLowerCase())].toSorted(),
      );
    },
  );

  test('by another speaker is something else', async () => {
    const own = newMemory();
    const by = (speaker: string) => ({ content: 'I live in Lisbon.', metadata: { speaker } });
    await own.store(by('Ana'), by('Bob'), by('Ana'));
    await own.embed();
    const { items } = await own.search('Who lives in Lisbon?');
    expect(saidWith(items).toSorted()).toEqual(['I live in Lisbon. 0', 'I live in Lisbon. 1']);
  });

  test('is one hit when it is long and the same to the letter', async () => {
    const own = newMemory();
    const long = `garden ${'and a great deal more '.repeat(200)}`;
    await own.store({ content: long }, { content: long }, { content: `${long}.` });
    expect(saidWith((await own.search('garden', { mode: 'lexical' })).items)).toEqual([`${long} 1`, `${long}. 0`]);
  });

  test('more often than there are candidates, leaves room for the others', async () => {
    const own = newMemory();
    await own.store(...Array.from({ length: 150 }, () => ({ content: 'garden' })));
    await own.store({ content: 'a garden and a number of other words' }, { content: 'the other garden of words' });
    await own.embed();
    const { items } = await own.search('garden', { top_k: 3, candidate_limit: 40 });
    expect(items.map(({ duplicates }) => duplicates)).toEqual([149, 0, 0]);
  });
});
