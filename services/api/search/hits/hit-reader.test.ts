import { expect, test } from 'vitest';
import { currentRows, wantsReranking } from './hit-reader.ts';

const ranked = ['a', 'b', 'c', 'd', 'e'].map((id, index) => ({ id, score: 1 - index / 10 }));

function storeOf(...existing: readonly string[]) {
  const asked: (readonly string[])[] = [];
  const getRows = async (ids: readonly string[]) => {
    asked.push(ids);
    return ids
      .filter((id) => existing.includes(id))
      .toReversed()
      .map((id) => ({ id, content: id.toUpperCase() }));
  };
  return { asked, getRows };
}

const shown = async (count: number, store: ReturnType<typeof storeOf>) =>
  (await currentRows(ranked, count, store.getRows)).map(({ ranked: { score }, row }) => `${row.content} ${score}`);

test('rows are given in the order of the ranking, asked for once', async () => {
  const store = storeOf('a', 'b', 'c', 'd', 'e');
  expect(await shown(3, store)).toEqual(['A 1', 'B 0.9', 'C 0.8']);
  expect(store.asked).toEqual([['a', 'b', 'c']]);
});

test('the next best take the places of what was deleted meanwhile', async () => {
  const store = storeOf('b', 'd', 'e');
  expect(await shown(3, store)).toEqual(['B 0.9', 'D 0.7', 'E 0.6']);
  expect(store.asked).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ]);
});

test('fewer come only when there are no more', async () => {
  expect(await shown(3, storeOf('e'))).toEqual(['E 0.6']);
  expect(await shown(9, storeOf('a', 'b', 'c', 'd', 'e'))).toHaveLength(5);
  expect(await shown(3, storeOf())).toEqual([]);
});

test('hits that are to differ or are grouped are reranked only on demand', () => {
  const wants = (rerank: boolean | undefined, diversity: number, groupSize: number | undefined) =>
    wantsReranking({ rerank, groupSize, ranking: { diversity } });
  expect([wants(undefined, 0, undefined), wants(undefined, 0.5, undefined), wants(undefined, 0, 3)]).toEqual([
    true,
    false,
    false,
  ]);
  expect([wants(true, 0.5, undefined), wants(false, 0, undefined)]).toEqual([true, false]);
});
