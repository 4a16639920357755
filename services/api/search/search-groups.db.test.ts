import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Hit, type Memory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const words = (count: number) => Array.from({ length: count }, (_, n) => `word${n}`).join(' ');

describe('group_by', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    const said = ['garden', 'garden hose', 'garden shed and tools', 'garden path through the trees'];
    await memory.store(
      ...['a', 'b', 'c'].flatMap((conversation_id, n) =>
        said
          .slice(n)
          .map((content) => ({ content: `${content} ${conversation_id}`, conversation_id, importance: 1 - n / 3 })),
      ),
    );
    await memory.embed();
  });
  const conversationOf = (hit: Hit) => hit.content.at(-1);

  test('shows the best hits of each of the best conversations together', async () => {
    const {
      items,
      groups = [],
      total,
    } = await memory.search('garden', {
      group_by: 'conversation',
      group_size: 2,
      top_k: 2,
    });
    expect(total).toBe(4);
    expect(items.map(conversationOf)).toEqual(['a', 'a', 'b', 'b']);
    expect(groups.map((group) => group.conversation_id)).toEqual(['a', 'b']);
    expect(groups.flatMap((group) => group.message_ids)).toEqual(items.map((hit) => hit.message_id));
    expect(groups.map((group) => group.score)).toEqual([items[0]?.score, items[2]?.score]);
  });

  test('is one page, and says whether it is all', async () => {
    const part = await memory.search('garden', { group_by: 'conversation', group_size: 2, top_k: 2 });
    expect(part).toMatchObject({ next_cursor: null, exhausted: false });
    const all = await memory.search('garden', { group_by: 'conversation', group_size: 4, top_k: 3 });
    expect(all).toMatchObject({ total: 9, next_cursor: null, exhausted: true });
    expect(await memory.search('garden')).not.toHaveProperty('groups');
  });

  test('shows what is said again once, in conversations far down, too', async () => {
    const own = createMemory(() => api);
    const long = Array.from({ length: 30 }, (_, n) => `garden ${'plan '.repeat(3)}${words(n)}`);
    await own.store(
      ...long.map((content) => ({ content, conversation_id: 'a', importance: 1 })),
      ...['garden of roses', 'Garden of roses!'].map((content) => ({ content, conversation_id: 'b', importance: 0 })),
    );
    await own.embed();
    const { items } = await own.search('garden plan', { group_by: 'conversation', group_size: 2, top_k: 2 });
    expect(items.filter((hit) => hit.content.includes('roses')).map((hit) => hit.duplicates)).toEqual([1]);
  });

  test('has no cursor to go on with', async () => {
    const { next_cursor: cursor } = await memory.search('garden', { top_k: 2 });
    const body = { tenant_id: memory.tenantId, query: 'garden', group_by: 'conversation', cursor };
    const answer = await api.call('POST', '/v1/memory/search', { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/cursor' }] } });
  });
});
