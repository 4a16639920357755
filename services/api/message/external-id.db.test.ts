import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `external-${(tenants += 1)}`;
const message = (tenant_id: string, external_id: string, more: object = {}) => ({
  tenant_id,
  external_id,
  conversation_id: 'c',
  role: 'user',
  content: `words of ${external_id}`,
  ...more,
});
const post = (body: object) => api.call('POST', '/v1/messages', { body });
const postBatch = (messages: readonly object[]) => api.call('POST', '/v1/messages/batch', { body: { messages } });

async function stored(tenantId: string) {
  const rows = await api.db
    .selectFrom('message')
    .select(['id', 'external_id'])
    .where('tenant_id', '=', tenantId)
    .execute();
  const pending = await api.db
    .selectFrom('embedding_pending')
    .select('message_id')
    .where('tenant_id', '=', tenantId)
    .execute();
  return {
    ids: rows.map((row) => row.id),
    externalIds: rows.map((row) => row.external_id ?? '').toSorted(),
    pending: pending.length,
  };
}

describe('a message that is sent again under its external id', () => {
  test('is the one that is stored, answered as a duplicate, and no worker is notified', async () => {
    const tenant = freshTenant();
    const first = await post(message(tenant, 'a', { metadata: { n: 1 }, importance: 0.9 }));
    expect(first).toMatchObject({ status: 202, body: { external_id: 'a' } });
    expect(first.body).not.toHaveProperty('duplicate');
    const before = api.notifications.length;
    const again = await post(message(tenant, 'a'));
    expect(again).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } });
    expect(api.notifications.length).toBe(before);
    expect(await stored(tenant)).toMatchObject({ ids: [first.body.id], pending: 1 });
    expect((await api.call('GET', `/v1/messages/${first.body.id}?tenant_id=${tenant}`)).body).toEqual(first.body);
  });

  test('tells how far its vectors are', async () => {
    const tenant = freshTenant();
    await post(message(tenant, 'a'));
    await embedPending(api, tenant);
    expect((await post(message(tenant, 'a'))).body).toMatchObject({ embedding_status: 'completed', duplicate: true });
  });

  test('is known although it has been archived', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant, 'a'));
    await sql`
      with gone as (delete from message where tenant_id = ${tenant} returning *)
      insert into archived_message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
                                    content_hash, created_at, updated_at, archive_reason)
      select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
             created_at, updated_at, 'age' from gone`.execute(api.db);
    expect(await post(message(tenant, 'a'))).toMatchObject({
      status: 200,
      body: { id: body.id, archived: true, embedding_status: 'archived' },
    });
    expect(await stored(tenant)).toEqual({ ids: [], externalIds: [], pending: 0 });
  });

  test('is stored again when it has been deleted', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant, 'a'));
    await api.call('DELETE', `/v1/messages/${body.id}?tenant_id=${tenant}`);
    const again = await post(message(tenant, 'a'));
    expect(again.status).toBe(202);
    expect(again.body.id).not.toBe(body.id);
  });

  test.each([
    ['content', 'other words'],
    ['role', 'assistant'],
    ['conversation_id', 'd'],
  ])('with another %s is a conflict that names the field and the message, and changes nothing', async (name, value) => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant, 'a'));
    const answer = await post(message(tenant, 'a', { [name]: value }));
    expectProblem(answer, 'conflict', [{ in: 'body', pointer: `/${name}` }]);
    expect(answer.body.detail).toContain(body.id);
    expect(await stored(tenant)).toMatchObject({ ids: [body.id], pending: 1 });
  });

  test('security: is another message in another tenant', async () => {
    const [one, two] = [freshTenant(), freshTenant()];
    const first = await post(message(one, 'a'));
    const second = await post(message(two, 'a', { content: 'of two' }));
    expect([first.status, second.status]).toEqual([202, 202]);
    const again = await post(message(one, 'a', { content: 'of two' }));
    expectProblem(again, 'conflict', [{ in: 'body', pointer: '/content' }]);
    expect(again.text).not.toContain(second.body.id);
  });

  test('by many clients at once is stored once, and each is answered with its id', async () => {
    const tenant = freshTenant();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post(message(tenant, `id-${n % 4}`))));
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(4);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(36);
    const { ids, externalIds, pending } = await stored(tenant);
    expect(new Set(answers.map((answer) => answer.body.id))).toEqual(new Set(ids));
    expect(externalIds).toEqual(['id-0', 'id-1', 'id-2', 'id-3']);
    expect(pending).toBe(4);
  });
});

describe('in a batch', () => {
  test('each has its outcome: stored, duplicate of before, duplicate of the same batch, conflict, invalid', async () => {
    const tenant = freshTenant();
    const before = await post(message(tenant, 'before'));
    const answer = await postBatch([
      message(tenant, 'new'),
      message(tenant, 'before'),
      message(tenant, 'new'),
      message(tenant, 'before', { content: 'other' }),
      message(tenant, 'new', { content: 'other' }),
      message(tenant, ''),
      { ...message(tenant, 'x'), external_id: undefined },
    ]);
    expect(answer.status).toBe(207);
    const [created, duplicate, twin, last] = answer.body.created;
    expect(answer.body.created).toHaveLength(4);
    expect(created).toMatchObject({ external_id: 'new', embedding_status: 'pending' });
    expect(duplicate).toMatchObject({ id: before.body.id, duplicate: true });
    expect(twin).toMatchObject({ id: created.id, duplicate: true, content: 'words of new' });
    expect(last).toMatchObject({ external_id: null });
    expect(answer.body.errors).toMatchObject([
      { message_index: 3, code: 'conflict', differs: ['/content'], errors: [{ pointer: '/messages/3/content' }] },
      { message_index: 4, code: 'conflict', differs: ['/content'], errors: [{ pointer: '/messages/4/content' }] },
      { message_index: 5, code: 'invalid_request', errors: [{ pointer: '/messages/5/external_id' }] },
    ]);
    expect((await stored(tenant)).pending).toBe(3);
  });

  test('sent again as a whole stores nothing', async () => {
    const tenant = freshTenant();
    const messages = Array.from({ length: 300 }, (_, n) => message(tenant, `m-${n}`));
    const first = await postBatch(messages);
    const again = await postBatch(messages.toReversed());
    expect([first.status, again.status]).toEqual([202, 202]);
    const ids = (answer: typeof first) => answer.body.created.map((created: { id: string }) => created.id);
    expect(ids(again)).toEqual(ids(first).toReversed());
    expect((await stored(tenant)).pending).toBe(300);
  });
});
