import { instantOf } from '@memory-layer/shared/time/instant';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { now, startTestApi, type TestApi } from '../testing/test-api.ts';
import { createMessageRepository } from './message.repository.ts';
import { insertMessages } from './ingest/insert-messages.sql.ts';
import type { MessageRow } from './ingest/message-row.ts';
import { indexMessage } from '../words/message-index.ts';

let api: TestApi;
let repository: ReturnType<typeof createMessageRepository>;
beforeAll(async () => {
  api = await startTestApi();
  repository = createMessageRepository(api.db);
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `storing-${(tenants += 1)}`;

function row(tenantId: string, more: Partial<MessageRow> = {}): MessageRow {
  return {
    id: uuidv7(),
    tenantId,
    conversationId: 'c',
    role: 'user',
    content: 'hello',
    metadata: {},
    importance: 0.5,
    externalId: undefined,
    createdAt: instantOf(now),
    updatedAt: instantOf(now),
    expiresAt: undefined,
    contentHash: Buffer.from('hash'),
    metadataJson: '{}',
    index: indexMessage({ role: 'user', content: 'hello', metadata: {} }),
    bytes: 5,
    generation: api.generation,
    sent: {
      tenantId,
      conversationId: 'c',
      role: 'user',
      content: 'hello',
      metadata: undefined,
      importanceOverride: undefined,
      externalId: undefined,
      createdAt: undefined,
      expiresAt: undefined,
    },
    onConflict: 'error',
    ...more,
  };
}

/** Rows that a tenant has in each of the tables that a message is written to. */
async function countRows(tenantId: string): Promise<Record<string, number>> {
  const count = async (table: 'tenant' | 'message' | 'embedding_pending') => {
    const rows = await api.db.selectFrom(table).select('tenant_id').where('tenant_id', '=', tenantId).execute();
    return [table, rows.length] as const;
  };
  return Object.fromEntries(await Promise.all([count('tenant'), count('message'), count('embedding_pending')]));
}
const nothing = { tenant: 0, message: 0, embedding_pending: 0 };

describe('a message and its pending row are stored together', () => {
  test('with the hash of the content, for the active generation', async () => {
    const tenantId = freshTenant();
    const body = { tenant_id: tenantId, conversation_id: 'c', role: 'user', content: 'ünïcode \u{1f44b}' };
    const answer = await api.call('POST', '/v1/messages', { body, headers: { 'x-request-id': 'request-1' } });
    const hash = createHash('sha256').update(body.content).digest();
    const pending = await api.db
      .selectFrom('embedding_pending')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .execute();
    expect(pending).toMatchObject([
      {
        message_id: answer.body.id,
        generation: api.generation,
        content_hash: hash,
        state: 'pending',
        attempts: 0,
        leased_until: null,
      },
    ]);
    const stored = await api.db
      .selectFrom('message')
      .select('content_hash')
      .where('tenant_id', '=', tenantId)
      .execute();
    expect(stored).toEqual([{ content_hash: hash }]);
    expect(api.notifications.at(-1)).toEqual({ tenantId, generation: api.generation, requestId: 'request-1' });
  });

  test('of a batch, all for one notification a tenant', async () => {
    const [one, two] = [freshTenant(), freshTenant()];
    const before = api.notifications.length;
    const messages = [one, two, one, two, one].map((tenant_id) => ({
      tenant_id,
      conversation_id: 'c',
      role: 'tool',
      content: 'x',
    }));
    expect((await api.call('POST', '/v1/messages/batch', { body: { messages } })).status).toBe(202);
    expect(await countRows(one)).toEqual({ tenant: 1, message: 3, embedding_pending: 3 });
    expect(await countRows(two)).toEqual({ tenant: 1, message: 2, embedding_pending: 2 });
    expect(api.notifications.slice(before).map((notified) => notified.tenantId)).toEqual([one, two]);
  });

  test('or neither is: the pending row is refused', async () => {
    const tenantId = freshTenant();
    await sql`alter table embedding_pending add constraint refusal check (tenant_id <> ${sql.lit(tenantId)})`.execute(
      api.db,
    );
    await expect(insertMessages(api.db, [row(tenantId)])).rejects.toMatchObject({
      constraint: 'refusal',
    });
    const body = { tenant_id: tenantId, conversation_id: 'c', role: 'user', content: 'x' };
    expect((await api.call('POST', '/v1/messages', { body })).status).toBe(500);
    expect(await countRows(tenantId)).toEqual(nothing);
    expect(api.notifications.filter((notified) => notified.tenantId === tenantId)).toEqual([]);
  });

  test('or neither is: the message is refused', async () => {
    const [tenantId, other] = [freshTenant(), freshTenant()];
    const taken = row(tenantId);
    await insertMessages(api.db, [taken]);
    const rows = [row(other), row(tenantId), { ...taken, content: 'usurper' }];
    await expect(insertMessages(api.db, rows)).rejects.toMatchObject({ code: '23505' });
    expect(await countRows(tenantId)).toEqual({ tenant: 1, message: 1, embedding_pending: 1 });
    expect(await countRows(other)).toEqual(nothing);
    expect(await repository.findById(tenantId, taken.id, api.generation)).toMatchObject({ content: 'hello' });
  });

  test('two tenants may use the same id', async () => {
    const [one, two] = [row(freshTenant()), row(freshTenant())];
    await insertMessages(api.db, [one, { ...two, id: one.id, content: 'of two' }]);
    expect(await repository.findById(one.tenantId, one.id, api.generation)).toMatchObject({ content: 'hello' });
    expect(await repository.findById(two.tenantId, one.id, api.generation)).toMatchObject({ content: 'of two' });
  });
});

describe('the status of a message is what its rows say', () => {
  async function statusAfter(change: (tenantId: string, id: string) => Promise<unknown>, generation = api.generation) {
    const message = row(freshTenant());
    await insertMessages(api.db, [message]);
    await change(message.tenantId, message.id);
    return (await repository.findById(message.tenantId, message.id, generation))?.embeddingStatus;
  }
  const fail = (tenantId: string) =>
    api.db
      .updateTable('embedding_pending')
      .set({ state: 'failed', last_error: 'why' })
      .where('tenant_id', '=', tenantId)
      .execute();

  test('pending, failed or completed', async () => {
    expect(await statusAfter(async () => undefined)).toBe('pending');
    expect(await statusAfter(fail)).toBe('failed');
    expect(await statusAfter(async (tenantId) => embedPending(api, tenantId))).toBe('completed');
  });

  test('pending while it has neither vector nor pending row', async () => {
    const forget = (tenantId: string) =>
      api.db.deleteFrom('embedding_pending').where('tenant_id', '=', tenantId).execute();
    expect(await statusAfter(forget)).toBe('pending');
  });

  test('of the generation that is asked for, whatever another one has', async () => {
    const next = api.generation + 1;
    expect(await statusAfter(fail, next)).toBe('pending');
    expect(await statusAfter(async (tenantId) => embedPending(api, tenantId), next)).toBe('pending');
    const embedAnd = (state: 'pending' | 'failed') => async (tenantId: string, id: string) => {
      await embedPending(api, tenantId);
      const pending = {
        tenant_id: tenantId,
        message_id: id,
        generation: next,
        content_hash: Buffer.from('hash'),
        state,
      };
      await api.db.insertInto('embedding_pending').values(pending).execute();
    };
    expect(await statusAfter(embedAnd('failed'))).toBe('completed');
    expect(await statusAfter(embedAnd('failed'), next)).toBe('failed');
    expect(await statusAfter(embedAnd('pending'), next)).toBe('pending');
  });

  test('over HTTP and in listings alike', async () => {
    const tenant_id = freshTenant();
    const post = async (content: string) =>
      (await api.call('POST', '/v1/messages', { body: { tenant_id, conversation_id: 'c', role: 'user', content } }))
        .body;
    const done = await post('done');
    await embedPending(api, tenant_id);
    const failed = await post('failed');
    await fail(tenant_id);
    const waiting = await post('waiting');
    const list = await api.call('GET', `/v1/messages?tenant_id=${tenant_id}`);
    const statuses = { [done.id]: 'completed', [failed.id]: 'failed', [waiting.id]: 'pending' };
    expect(
      Object.fromEntries(
        list.body.items.map((item: { id: string; embedding_status: string }) => [item.id, item.embedding_status]),
      ),
    ).toEqual(statuses);
    const get = await api.call('GET', `/v1/messages/${failed.id}?tenant_id=${tenant_id}`);
    expect(get.body.embedding_status).toBe('failed');
  });
});
