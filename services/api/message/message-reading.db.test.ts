import { instantOf } from '@memory-layer/shared/time/instant';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRetentionRunRepository } from '../retention/retention-run.repository.ts';
import { embedPending } from '../testing/embed-pending.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { createMessageRepository } from './message.repository.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `reading-${(tenants += 1)}`;

/** Stores messages, `content@second` each, and answers their ids by content. */
async function store(tenantId: string, specs: readonly string[], conversationId = 'c'): Promise<Map<string, string>> {
  const messages = specs.map((spec) => {
    const [content, second = '0'] = spec.split('@');
    const created_at = new Date(Date.UTC(2026, 0, 1, 0, 0, Number(second))).toISOString();
    return { tenant_id: tenantId, conversation_id: conversationId, role: 'user', content, created_at };
  });
  const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
  expect(answer.status).toBe(202);
  return new Map(answer.body.created.map((item: { content: string; id: string }) => [item.content, item.id]));
}

/** The contents of all pages. */
async function listPages(query: string): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor = '';
  do {
    const { status, body } = await api.call('GET', `/v1/messages?${query}${cursor}`);
    expect(status).toBe(200);
    pages.push(body.items.map((item: { content: string }) => item.content));
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  return pages;
}

describe('a listing', () => {
  test('pages through messages of one moment in both orders, each once', async () => {
    const tenantId = freshTenant();
    await store(tenantId, ['late@9', 'a@5', 'b@5', 'c@5', 'd@5', 'early@1', 'e@5']);
    const expected = ['early', 'a', 'b', 'c', 'd', 'e', 'late'];
    for (const limit of [1, 2, 3, 6, 7]) {
      const query = `tenant_id=${tenantId}&limit=${limit}`;
      const ascending = await listPages(`${query}&order=asc`);
      expect(ascending.flat()).toEqual(expected);
      expect(ascending).toHaveLength(Math.ceil(7 / limit));
      expect((await listPages(`${query}&order=desc`)).flat()).toEqual(expected.toReversed());
    }
    expect(await listPages(`tenant_id=${tenantId}`)).toEqual([expected]);
  });

  test('goes on where it was when messages arrive or go meanwhile', async () => {
    const tenantId = freshTenant();
    const ids = await store(tenantId, ['a@1', 'b@2', 'c@3', 'd@4']);
    const first = await api.call('GET', `/v1/messages?tenant_id=${tenantId}&limit=2`);
    await store(tenantId, ['before@0', 'between@3', 'after@9']);
    await api.call('DELETE', `/v1/messages/${ids.get('b')}?tenant_id=${tenantId}`);
    const rest = await listPages(`tenant_id=${tenantId}&limit=10&cursor=${first.body.next_cursor}`);
    expect(rest).toEqual([['c', 'between', 'd', 'after']]);
  });

  test('of one conversation holds no other', async () => {
    const tenantId = freshTenant();
    await store(tenantId, ['a@1', 'b@3'], 'one');
    await store(tenantId, ['x@2'], 'two');
    await store(tenantId, ['X@2'], 'Two');
    expect(await listPages(`tenant_id=${tenantId}&conversation_id=one`)).toEqual([['a', 'b']]);
    expect(await listPages(`tenant_id=${tenantId}&conversation_id=two`)).toEqual([['x']]);
    expect(await listPages(`tenant_id=${tenantId}&conversation_id=none`)).toEqual([[]]);
  });
});

describe('deleting a message', () => {
  const rowsOf = async (tenantId: string) => {
    const { rows } = await sql<{ place: string }>`
      select 'message' as place from message where tenant_id = ${tenantId}
      union all select 'embedding' from embedding where tenant_id = ${tenantId}
      union all select 'pending' from embedding_pending where tenant_id = ${tenantId}
      union all select 'archived' from archived_message where tenant_id = ${tenantId} order by 1`.execute(api.db);
    return rows.map((row) => row.place);
  };
  const remove = (tenantId: string, id: string | undefined) =>
    api.call('DELETE', `/v1/messages/${id}?tenant_id=${tenantId}`);

  /** Puts a message into the archive, as a retention worker does. */
  async function archive(tenantId: string): Promise<void> {
    await sql`insert into archived_message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
        created_at, updated_at, archive_reason)
      select tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at, 'age'
      from message where tenant_id = ${tenantId}`.execute(api.db);
    await api.db.deleteFrom('message').where('tenant_id', '=', tenantId).execute();
  }

  test('takes its vectors and its pending row with it, and nothing else', async () => {
    const tenantId = freshTenant();
    const done = await store(tenantId, ['done@1', 'kept@2']);
    await embedPending(api, tenantId);
    const waiting = await store(tenantId, ['waiting@3']);
    expect((await remove(tenantId, waiting.get('waiting'))).status).toBe(204);
    const answer = await remove(tenantId, done.get('done'));
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await rowsOf(tenantId)).toEqual(['embedding', 'message']);
    expect(await listPages(`tenant_id=${tenantId}`)).toEqual([['kept']]);
    expectProblem(await remove(tenantId, done.get('done')), 'not_found');
    expectProblem(await api.call('GET', `/v1/messages/${done.get('done')}?tenant_id=${tenantId}`), 'not_found');
  });

  test('takes its archived copy', async () => {
    const tenantId = freshTenant();
    const ids = await store(tenantId, ['old@1']);
    await archive(tenantId);
    expect(await rowsOf(tenantId)).toEqual(['archived']);
    expect((await remove(tenantId, ids.get('old'))).status).toBe(204);
    expect(await rowsOf(tenantId)).toEqual([]);
  });

  test('is refused while its conversation is held, archived or not', async () => {
    const tenantId = freshTenant();
    const held = await store(tenantId, ['held@1'], 'held');
    const holding = { tenant_id: tenantId, conversation_id: 'held', metadata: '{}', legal_hold: true };
    await api.db.insertInto('conversation').values(holding).execute();
    const free = await store(tenantId, ['free@1'], 'free');
    expectProblem(await remove(tenantId, held.get('held')), 'conflict');
    expect((await remove(tenantId, free.get('free'))).status).toBe(204);
    expect(await rowsOf(tenantId)).toEqual(['message', 'pending']);
    await archive(tenantId);
    expectProblem(await remove(tenantId, held.get('held')), 'conflict');
    expect(await rowsOf(tenantId)).toEqual(['archived']);
    await api.db.updateTable('conversation').set({ legal_hold: false }).where('tenant_id', '=', tenantId).execute();
    expect((await remove(tenantId, held.get('held'))).status).toBe(204);
  });

  test('is refused while its tenant is held; another tenant is free', async () => {
    const [tenantId, other] = [freshTenant(), freshTenant()];
    const ids = await store(tenantId, ['held@1']);
    const others = await store(other, ['free@1']);
    await api.db.insertInto('retention_policy').values({ tenant_id: tenantId, legal_hold: true }).execute();
    expectProblem(await remove(tenantId, ids.get('held')), 'conflict');
    expect(await rowsOf(tenantId)).toEqual(['message', 'pending']);
    expectProblem(await remove(tenantId, others.get('free')), 'not_found');
    // A hold of the same conversation id, but somebody else's.
    const holding = { tenant_id: tenantId, conversation_id: 'c', metadata: '{}', legal_hold: true };
    await api.db.insertInto('conversation').values(holding).execute();
    expect((await remove(other, others.get('free'))).status).toBe(204);
  });
});

describe('security: tenant A cannot see tenant B', () => {
  let id: string;
  beforeAll(async () => {
    id = (await store('globex', ['secret@1'])).get('secret') ?? '';
    await embedPending(api, 'globex');
  });

  test('in any method of the repository', async () => {
    const messages = createMessageRepository(api.db);
    const none = { messages: [], isCut: false };
    const page = { tenantId: 'acme', conversationId: undefined, order: 'asc', after: undefined, limit: 10 } as const;
    expect(await messages.findById('acme', id, api.generation)).toBeUndefined();
    expect(await messages.list({ ...page, generation: api.generation })).toEqual(none);
    expect(await messages.list({ ...page, conversationId: 'c', generation: api.generation })).toEqual(none);
    const after = {
      createdAt: instantOf(new Date(0)),
      id: '00000000-0000-0000-0000-000000000000',
      order: 'asc',
    } as const;
    expect(await messages.list({ ...page, after, generation: api.generation })).toEqual(none);
    expect(await messages.deleteById('acme', id, undefined)).toBe('absent');
    expect(await messages.findById('globex', id, api.generation)).toMatchObject({ content: 'secret' });
  });

  test('nor its retention runs', async () => {
    const runs = createRetentionRunRepository(api.db);
    await runs.insert({ tenantId: 'globex', runId: id, actions: ['archive'], dryRun: true }, undefined);
    expect(await runs.findById('globex', id)).toMatchObject({ state: 'queued' });
    expect(await runs.findById('acme', id)).toBeUndefined();
    expectProblem(await api.call('GET', `/v1/admin/retention/runs/${id}`, { key: keys.acme }), 'not_found');
  });

  test('over HTTP: its id is unknown, as one that never was', async () => {
    const never = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';
    for (const method of ['GET', 'DELETE']) {
      const [others, nobodys] = [
        await api.call(method, `/v1/messages/${id}`, { key: keys.acme }),
        await api.call(method, `/v1/messages/${never}`, { key: keys.acme }),
      ];
      expectProblem(others, 'not_found');
      expect(others.body.detail).toBe(nobodys.body.detail);
    }
    expect((await api.call('GET', '/v1/messages', { key: keys.acme })).body.items).toEqual([]);
    const cursor = Buffer.from(JSON.stringify(['1970-01-01T00:00:00.000Z', id, 'asc'])).toString('base64url');
    expect((await api.call('GET', `/v1/messages?cursor=${cursor}`, { key: keys.acme })).body.items).toEqual([]);
    expect((await api.call('GET', `/v1/messages/${id}`, { key: keys.globex })).body.content).toBe('secret');
  });
});
