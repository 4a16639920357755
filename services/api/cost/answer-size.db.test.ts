import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMessageRepository } from '../message/message.repository.ts';
import { createMemory } from '../testing/search-fixture.ts';
import { limits, startTestApi, type TestApi } from '../testing/test-api.ts';
import { requestLimits } from './request-cost.ts';
import { planTenant } from '../search/plan/search-plan.ts';
import { createSearchRepository } from '../search/sql/search.repository.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

// The largest messages that can be stored. A control character is sent and answered with six bytes, and stored with one.
const content = (n: number) => `garden ${n} ${'\u0001'.repeat(99_980)}`;
const metadata = (n: number) => ({ n, text: 'x'.repeat(limits.maxMetadataBytes - 30) });
const stored = 44;

let api: TestApi;
let ids: string[];
const memory = createMemory(() => api);
beforeAll(async () => {
  api = await startTestApi();
  ids = [];
  for (let first = 0; first < stored; first += 11) {
    const seeds = Array.from({ length: 11 }, (_, n) => ({
      content: content(first + n),
      metadata: metadata(first + n),
      // Two at a time are of one moment.
      created_at: new Date(Date.UTC(2026, 0, 1) + Math.floor((first + n) / 2) * 1000).toISOString(),
    }));
    ids.push(...(await memory.store(...seeds)));
  }
});
afterAll(() => api.stop());

interface Page {
  readonly items: readonly {
    readonly id?: string;
    readonly message_id?: string;
    readonly metadata: { readonly n: number };
  }[];
  readonly next_cursor: string | null;
}

/** All pages of it, each within the size of an answer. */
async function walk(read: (cursor: string | undefined) => Promise<{ readonly text: string; readonly body: Page }>) {
  const pages: Page['items'][] = [];
  let cursor: string | undefined;
  do {
    const { text, body } = await read(cursor);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(requestLimits.answerBytes);
    pages.push(body.items);
    cursor = body.next_cursor ?? undefined;
  } while (cursor !== undefined && pages.length <= stored);
  return pages;
}

describe('an answer ends before its size limit, and says how to go on', () => {
  test.each(['asc', 'desc'])('a listing, %s: every message once, in order', async (order) => {
    const path = `/v1/messages?tenant_id=${memory.tenantId}&limit=200&order=${order}`;
    const pages = await walk((cursor) => api.call('GET', path + (cursor === undefined ? '' : `&cursor=${cursor}`)));
    expect(pages.length).toBeGreaterThan(1);
    const expected = order === 'asc' ? ids : ids.toReversed();
    expect(pages.flat().map(({ id }) => id)).toEqual(expected);
  });

  test('a search: every hit once, on as many pages as it takes', async () => {
    const search = { tenant_id: memory.tenantId, query: 'garden', mode: 'lexical', top_k: 100 };
    const pages = await walk(async (cursor) => {
      const answer = await api.call('POST', '/v1/memory/search', { body: { ...search, cursor } });
      expect(answer).toMatchObject({ status: 200, body: { total: answer.body.items.length } });
      const isLast = answer.body.next_cursor === null;
      expect(answer.body).toMatchObject({ truncated: !isLast, exhausted: isLast });
      return answer;
    });
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().map((item) => item.message_id)).toHaveLength(stored);
    expect(new Set(pages.flat().map((item) => item.message_id))).toEqual(new Set(ids));
  });

  test('neighbours of hits: the nearest are there, what is left out is said', async () => {
    const search = { tenant_id: memory.tenantId, query: 'garden', mode: 'lexical', top_k: 10, neighbours: 10 };
    const answer = await api.call('POST', '/v1/memory/search', { body: search });
    expect(answer.status).toBe(200);
    expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(requestLimits.answerBytes);
    expect(answer.body).toMatchObject({ total: 10, truncated: true });
    for (const { metadata: own, neighbours } of answer.body.items) {
      const around = [...neighbours.before, null, ...neighbours.after].map((one) => one?.metadata.n ?? own.n);
      const first = own.n - neighbours.before.length;
      // Nothing is missing between a hit and the farthest that is shown.
      expect(around).toEqual(around.map((_, n) => first + n));
      const whole = Math.min(10, own.n) + Math.min(10, stored - 1 - own.n);
      expect(neighbours.truncated).toBe(neighbours.before.length + neighbours.after.length < whole);
    }
    expect(
      answer.body.items.some(
        (item: { neighbours: { before: []; after: [] } }) =>
          item.neighbours.before.length + item.neighbours.after.length > 0,
      ),
    ).toBe(true);
  });

  test('small answers are whole', async () => {
    const small = createMemory(() => api);
    await small.store({ content: 'garden one' }, { content: 'garden two' });
    const search = { tenant_id: small.tenantId, query: 'garden', neighbours: 1 };
    const { body } = await api.call('POST', '/v1/memory/search', { body: search });
    expect(body).toMatchObject({ total: 2, truncated: false, exhausted: true, next_cursor: null });
    expect(body.items.map((item: { neighbours: { truncated: boolean } }) => item.neighbours.truncated)).toEqual([
      false,
      false,
    ]);
  });
});

describe('a batch', () => {
  // Of a tenant of its own: each has metadata, which a message that is sent again without any is answered with.
  const message = (n: number) => ({
    tenant_id: 'batch',
    conversation_id: 'c',
    role: 'user',
    content: 'x',
    external_id: `m${n}`,
  });

  test('of messages that were stored before is no larger: the last items are short', async () => {
    const count = 300;
    for (let first = 0; first < count; first += 100) {
      const messages = Array.from({ length: 100 }, (_, n) => ({
        ...message(first + n),
        metadata: metadata(first + n),
      }));
      expect((await api.call('POST', '/v1/messages/batch', { body: { messages } })).status).toBe(202);
    }
    const again = Array.from({ length: count }, (_, n) => message(n));
    const answer = await api.call('POST', '/v1/messages/batch', { body: { messages: again } });
    expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(requestLimits.answerBytes);
    const { created } = answer.body;
    expect(created.map((one: { external_id: string }) => one.external_id)).toEqual(again.map((one) => one.external_id));
    const short = created.findIndex((one: { truncated?: true }) => one.truncated);
    expect(short).toBeGreaterThan(50);
    for (const one of nonEmpty(created.slice(0, short))) expect(one).toMatchObject({ content: 'x', duplicate: true });
    for (const one of nonEmpty(created.slice(short))) {
      expect(one).toMatchObject({
        duplicate: true,
        truncated: true,
        id: expect.any(String),
        embedding_status: 'pending',
      });
      for (const name of ['content', 'metadata', 'message_metadata']) expect(one).not.toHaveProperty(name);
    }
  });

  test('of items with long names that are not known is answered with their beginnings', async () => {
    const messages = [{ ...message(0), ['~'.repeat(1_000_000)]: 1 }];
    const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    expect(answer.status).toBe(207);
    expect(answer.text.length).toBeLessThan(2000);
    expect(answer.body.errors[0].errors[0].pointer).toMatch(/^\/messages\/0\/(?:~0){128}…$/);
  });
});

describe('the database is not asked for more than an answer holds', () => {
  const each = 100_000 + limits.maxMetadataBytes;
  const sizeOf = (rows: readonly { content: string | null; metadata: unknown }[]) =>
    rows.reduce(
      (sum, row) => sum + (row.content?.length ?? 0) + (row.content === null ? 0 : JSON.stringify(row.metadata).length),
      0,
    );

  test('by a listing', async () => {
    const listing = { conversationId: undefined, order: 'asc', after: undefined, limit: 201, generation: 1 } as const;
    const own = createMemory(() => api);
    for (let batch = 0; batch < 11; batch += 1) {
      await own.store(...Array.from({ length: 10 }, (_, n) => ({ content: content(n), metadata: metadata(n) })));
    }
    const listed = await createMessageRepository(api.db).list({ ...listing, tenantId: own.tenantId });
    expect(listed.isCut).toBe(true);
    expect(sizeOf(listed.messages)).toBeGreaterThan(requestLimits.answerBytes - 2 * each);
    expect(sizeOf(listed.messages)).toBeLessThan(requestLimits.answerBytes + each);
  });

  test('by a search, whose first hits are read, in their order', async () => {
    const repository = createSearchRepository({ queries: api.db, prepared: api.db });
    const hits = { tenant: planTenant(memory.tenantId, { messages: 1 }), generation: api.generation };
    const asked = ids.toReversed();
    const rows = await repository.getHits(hits, asked, undefined, 10 * each);
    expect(rows).toHaveLength(stored);
    const read = new Set(rows.filter((row) => row.content !== null).map((row) => row.id));
    expect(nonEmpty(asked.slice(0, read.size)).every((id) => read.has(id))).toBe(true);
    expect([10, 11]).toContain(read.size);
    expect(rows.filter((row) => row.metadata !== null)).toHaveLength(read.size);
  });

  test('by neighbours, of which the nearest of every hit are read', async () => {
    const repository = createSearchRepository({ queries: api.db, prepared: api.db });
    const [first = '', second = ''] = [ids[10], ids[30]];
    const around = await repository.listNeighbours({
      tenantId: memory.tenantId,
      ids: [first, second],
      count: 10,
      maxBytes: 5 * each,
    });
    for (const id of [first, second]) {
      const { before, after, truncated } = around.get(id) ?? { before: [], after: [], truncated: false };
      expect([before.length > 0, after.length > 0, truncated]).toEqual([true, true, true]);
      expect(sizeOf([...before, ...after])).toBeLessThan(5 * each);
    }
    const nothing = await repository.listNeighbours({
      tenantId: memory.tenantId,
      ids: [first],
      count: 10,
      maxBytes: 0,
    });
    expect(nothing.get(first)).toEqual({ before: [], after: [], truncated: true });
  });
});
