import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordQueries } from '../../testing/record-queries.ts';
import { createMemory, type Memory } from '../../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';
import { createSearchRepository } from '../sql/search.repository.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

interface Shown {
  readonly content: string;
  readonly neighbours?: {
    readonly before: readonly { content: string }[];
    readonly after: readonly { content: string }[];
  };
}

/** `a b <hit> c d` of each hit, by the hits. */
async function around(memory: Memory, options: object): Promise<string[]> {
  const { items } = await memory.search('garden', options);
  return items.map((item) => {
    const { content, neighbours } = item as Shown;
    const names = (list: readonly { content: string }[] = []) => list.map((neighbour) => neighbour.content);
    return [...names(neighbours?.before), `<${content}>`, ...names(neighbours?.after)].join(' ');
  });
}

describe('the messages around a hit', () => {
  let memory: Memory;
  let ids: string[];
  beforeAll(async () => {
    memory = createMemory(() => api);
    // Not stored in their order; two at one moment follow by id.
    ids = await memory.store(
      { content: 'five', created_at: at(5) },
      { content: 'one', created_at: at(1) },
      { content: 'garden', created_at: at(3), metadata: { n: 3 } },
      { content: 'two', created_at: at(2), role: 'assistant', metadata: { n: 2 } },
      { content: 'four', created_at: at(4) },
      { content: 'four-b', created_at: at(4) },
      { content: 'elsewhere', created_at: at(3), conversation_id: 'other' },
    );
    const stranger = createMemory(() => api);
    await stranger.store({ content: 'stranger', created_at: at(3) });
  });

  test.each([
    [0, '<garden>'],
    [1, 'two <garden> four'],
    [2, 'one two <garden> four four-b'],
    [10, 'one two <garden> four four-b five'],
  ])('%d on each side, in the order of the conversation', async (neighbours, shown) => {
    expect(await around(memory, { neighbours, mode: 'lexical' })).toEqual([shown]);
  });

  test('are not there unless asked for', async () => {
    const { items } = await memory.search('garden');
    for (const item of nonEmpty(items)) expect(item).not.toHaveProperty('neighbours');
  });

  test('are shown though the filter leaves them out, as they were stored', async () => {
    const { items } = await memory.search('garden', { neighbours: 1, mode: 'lexical', filter: { key: 'n', eq: 3 } });
    expect(items).toMatchObject([
      {
        content: 'garden',
        neighbours: {
          before: [{ message_id: ids[3], role: 'assistant', content: 'two', metadata: { n: 2 }, created_at: at(2) }],
          after: [{ message_id: ids[4], content: 'four' }],
        },
      },
    ]);
  });

  test('by the query string', async () => {
    const path = `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden&mode=lexical&neighbours=2`;
    const { body } = await api.call('GET', path);
    expect(body.items[0].neighbours.before.map((item: Shown) => item.content)).toEqual(['one', 'two']);
  });

  test('of a hit that is alone are none', async () => {
    const alone = createMemory(() => api);
    await alone.store({ content: 'garden' });
    const { items } = await alone.search('garden', { neighbours: 3 });
    expect(items).toMatchObject([{ neighbours: { before: [], after: [] } }]);
  });
});

test('hits that stand side by side are each other’s neighbours, and hits all the same', async () => {
  const memory = createMemory(() => api);
  await memory.store(
    { content: 'garden a', created_at: at(1) },
    { content: 'garden b', created_at: at(2) },
    { content: 'garden c', created_at: at(3) },
  );
  expect((await around(memory, { neighbours: 1, mode: 'lexical' })).toSorted()).toEqual(
    ['<garden a> garden b', 'garden a <garden b> garden c', 'garden b <garden c>'].toSorted(),
  );
});

test('all are read in one statement, from the index of their conversations', async () => {
  const memory = createMemory(() => api);
  const ids = await memory.store(...Array.from({ length: 50 }, (_, n) => ({ content: `m${n}`, created_at: at(n) })));
  const recorder = recordQueries(api.db);
  const repository = createSearchRepository({ queries: recorder.db, prepared: recorder.db });
  const shown = await repository.listNeighbours({ tenantId: memory.tenantId, ids, count: 10 });
  expect(shown.size).toBe(50);
  expect(shown.get(ids[20] ?? '')?.before.map((item) => item.content)).toEqual(
    Array.from({ length: 10 }, (_, n) => `m${n + 10}`),
  );
  expect(await recorder.explainAll()).toHaveLength(1);
});
