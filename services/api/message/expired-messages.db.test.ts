import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Memory } from '../testing/search-fixture.ts';
import { storeFailed } from '../testing/store-failed.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const soon = () => new Date(Date.now() + 3_600_000).toISOString();

/** What time would do. */
async function expire(tenantId: string, ids: readonly string[]): Promise<void> {
  await sql`update message set expires_at = now() where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])`.execute(
    api.db,
  );
}

interface ShownHit {
  readonly content: string;
  readonly neighbours?: { readonly before: readonly ShownHit[]; readonly after: readonly ShownHit[] };
}

describe('from the moment that it expires', () => {
  let memory: Memory;
  let ids: string[];
  /** The message between two others of its conversation, nearest to every query below. */
  let gone: string;

  beforeAll(async () => {
    memory = createMemory(() => api);
    ids = await memory.store(
      { content: 'garden one' },
      { content: 'garden two' },
      { content: 'garden secret', metadata: { kind: 'note' } },
      { content: 'garden three', metadata: { kind: 'note' } },
      { content: 'garden four' },
    );
    [, , gone = ''] = ids;
    await memory.embed();
    const found = await memory.find('garden secret');
    if (found[0] !== 'garden secret') throw new Error('the message is not found before it expires');
    await expire(memory.tenantId, [gone]);
  });

  test('a message is not read', async () => {
    const path = (id: string) => `/v1/messages/${id}?tenant_id=${memory.tenantId}`;
    expect((await api.call('GET', path(gone))).status).toBe(404);
    expect((await api.call('GET', path(ids[0] ?? ''))).status).toBe(200);
  });

  test.each(['', '&conversation_id=c', '&order=desc', '&conversation_id=c&order=desc', '&limit=1'])(
    'it is not listed, nor counted by a page: %s',
    async (more) => {
      const listed: string[] = [];
      for (let cursor = ''; ;) {
        const answer = await api.call('GET', `/v1/messages?tenant_id=${memory.tenantId}${more}${cursor}`);
        listed.push(...answer.body.items.map((item: { content: string }) => item.content));
        if (answer.body.next_cursor === null) break;
        cursor = `&cursor=${answer.body.next_cursor}`;
      }
      expect(listed.toSorted()).toEqual(['garden four', 'garden one', 'garden three', 'garden two']);
    },
  );

  const searches = nonEmpty([
    { mode: 'hybrid' },
    { mode: 'vector' },
    { mode: 'lexical' },
    { mode: 'hybrid', conversation_id: 'c' },
    { mode: 'vector', filter: { key: 'kind', eq: 'note' } },
    { mode: 'hybrid', filter: { key: 'kind', exists: true } },
    { mode: 'hybrid', similarity_min: 0.01 },
    { mode: 'hybrid', candidate_limit: 10, diversity: 0.5 },
  ]);

  test.each(searches)('it is not found, by no search, nor shown beside what is: %j', async (options) => {
    const { items, total } = await memory.search('garden secret', { top_k: 10, neighbours: 4, ...options });
    expect(items.length).toBeGreaterThan(0);
    expect(total).toBe(items.length);
    const shown = items.flatMap((item) => {
      const { content, neighbours } = item as ShownHit;
      return [content, ...(neighbours?.before ?? []), ...(neighbours?.after ?? [])].map((one) =>
        typeof one === 'string' ? one : one.content,
      );
    });
    expect(shown).toContain('garden three');
    expect(shown).not.toContain('garden secret');
  });

  test('what stands before and after it are neighbours', async () => {
    const { items } = await memory.search('garden three', { top_k: 1, neighbours: 1 });
    const [hit] = items as readonly (ShownHit & (typeof items)[number])[];
    expect(hit?.content).toBe('garden three');
    expect(hit?.neighbours?.before.map(({ content }) => content)).toEqual(['garden two']);
  });

  test('it takes no place among the nearest', async () => {
    const crowd = createMemory(() => api);
    const expired = await crowd.store(...Array.from({ length: 40 }, (_, n) => ({ content: `garden ${n}` })));
    await crowd.store({ content: 'garden that is left' });
    await crowd.embed();
    await expire(crowd.tenantId, expired);
    const options = { mode: 'vector', candidate_limit: 10 };
    expect(await crowd.find('garden', options)).toEqual(['garden that is left']);
  });

  test('its external id is free', async () => {
    const tenantId = memory.tenantId;
    const message = { tenant_id: tenantId, conversation_id: 'c2', role: 'user', external_id: 'again' };
    const first = await api.call('POST', '/v1/messages', { body: { ...message, content: 'old', expires_at: soon() } });
    await expire(tenantId, [first.body.id]);
    const again = await api.call('POST', '/v1/messages', { body: { ...message, content: 'new' } });
    expect(again).toMatchObject({ status: 202, body: { content: 'new' } });
    expect(again.body.id).not.toBe(first.body.id);
    const path = `/v1/messages/${again.body.id}?tenant_id=${tenantId}`;
    expect((await api.call('GET', path)).status).toBe(200);
  });

  test('its failed embedding is not listed, nor retried', async () => {
    const tenantId = 'expired-failures';
    const [one = '', two = '', three = ''] = await storeFailed(api, { tenantId, count: 3 });
    await expire(tenantId, [two]);
    const list = await api.call('GET', `/v1/admin/embeddings/failed?tenant_id=${tenantId}&limit=2`);
    expect(list.body.items.map((item: { message_id: string }) => item.message_id)).toEqual([three, one]);
    const body = { tenant_id: tenantId, message_ids: [one, two] };
    const retry = await api.call('POST', '/v1/admin/embeddings/retry', { body });
    expect(retry.body).toMatchObject({ retried: 1, not_found: [two] });
    const all = await api.call('POST', '/v1/admin/embeddings/retry', { body: { tenant_id: tenantId, all: true } });
    expect(all.body).toMatchObject({ retried: 1 });
  });

  test('it can be deleted at once, and then it is gone altogether', async () => {
    const path = `/v1/messages/${gone}?tenant_id=${memory.tenantId}`;
    expect((await api.call('DELETE', path)).status).toBe(204);
    expect((await api.call('DELETE', path)).status).toBe(404);
  });
});

test('a message that is to expire later is as any other until then', async () => {
  const memory = createMemory(() => api);
  const body = {
    tenant_id: memory.tenantId,
    conversation_id: 'c',
    role: 'user',
    content: 'garden',
    expires_at: soon(),
  };
  const answer = await api.call('POST', '/v1/messages', { body });
  await memory.embed();
  expect(await memory.find('garden')).toEqual(['garden']);
  const vectors = api.db.selectFrom('embedding').select('expires_at').where('message_id', '=', answer.body.id);
  expect(await vectors.execute()).toEqual([{ expires_at: new Date(body.expires_at) }]);
  await expire(memory.tenantId, [answer.body.id]);
  expect((await vectors.execute())[0]?.expires_at?.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
  expect(await memory.find('garden')).toEqual([]);
});
