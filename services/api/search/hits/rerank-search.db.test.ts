import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reranker } from '../reranker/reranker.ts';
import { createMemory, type Memory } from '../../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';

/** Prefers what says the higher number. */
const byNumber = async (_: string, texts: readonly string[]) => texts.map((text) => Number(/\d+/.exec(text)?.[0] ?? 0));
let answer: Reranker['rerank'] = byNumber;
const asked: { readonly query: string; readonly texts: readonly string[] }[] = [];
const reranker: Reranker = {
  start: async () => undefined,
  stop: async () => undefined,
  rerank: (query, texts, options) => {
    asked.push({ query, texts });
    return answer(query, texts, options);
  },
};

let api: TestApi;
let memory: Memory;
beforeAll(async () => {
  api = await startTestApi({ reranker });
  memory = createMemory(() => api);
  await memory.store(...Array.from({ length: 12 }, (_, n) => ({ content: `garden ${'garden '.repeat(n)} ${12 - n}` })));
  await memory.embed();
});
afterAll(() => api.stop());

test('the best hits come in the order of the reranker, which is shown', async () => {
  const found = await memory.search('garden', { top_k: 3, weights: { importance: 0, decay: 0 } });
  expect(found.reranked).toBe(true);
  const last = asked.at(-1);
  expect(last).toMatchObject({ query: 'garden' });
  expect(last?.texts).toHaveLength(10);
  const numbers = last?.texts.map((text) => Number(/\d+/.exec(text)?.[0])) ?? [];
  const best = numbers.toSorted((a, b) => b - a).slice(0, 3);
  expect(found.items.map((item) => Number(/\d+/.exec(item.content)?.[0]))).toEqual(best);
  expect(found.items[0]).toMatchObject({ score: 1, breakdown: { rerank: 1 } });
});

test('pages go on, without repeats, to the last hit', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await memory.search('garden', { top_k: 5, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.items.map((item) => item.message_id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  expect([seen.length, new Set(seen).size]).toEqual([12, 12]);
});

test('a request may do without', async () => {
  const before = asked.length;
  const found = await memory.search('garden', { rerank: false });
  expect([found.reranked, asked.length]).toEqual([false, before]);
  expect(found.items[0]?.breakdown).not.toHaveProperty('rerank');
  const byUrl = await api.call('GET', `/v1/memory/search?tenant_id=${memory.tenantId}&query=garden&rerank=true`);
  expect(byUrl).toMatchObject({ status: 200, body: { reranked: true } });
});

test('a reranker that fails leaves the order as it was, and the answer says so', async () => {
  const plain = await memory.search('garden', { rerank: false });
  answer = () => Promise.reject(new Error('down'));
  const found = await memory.search('garden', { rerank: true });
  answer = byNumber;
  expect(found.reranked).toBe(false);
  expect(found.items.map((item) => item.message_id)).toEqual(plain.items.map((item) => item.message_id));
});

test('where none is configured, the wish is refused and names the field', async () => {
  const without = await startTestApi();
  try {
    const body = { tenant_id: 'acme', query: 'garden', rerank: true };
    const refused = { status: 422, body: { errors: [{ in: 'body', pointer: '/rerank' }] } };
    expect(await without.call('POST', '/v1/memory/search', { body })).toMatchObject(refused);
    const fine = await without.call('POST', '/v1/memory/search', { body: { ...body, rerank: false } });
    expect(fine).toMatchObject({ status: 200, body: { reranked: false } });
    const odd = await without.call('GET', '/v1/memory/search?tenant_id=acme&query=garden&rerank=1');
    expect(odd).toMatchObject({ status: 422, body: { errors: [{ in: 'query', pointer: '/rerank' }] } });
  } finally {
    await without.stop();
  }
});
