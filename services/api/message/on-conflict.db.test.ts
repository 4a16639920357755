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
const freshTenant = () => `conflict-${(tenants += 1)}`;
const first = {
  importance: 0.2,
  metadata: { topic: 'family', n: 1 },
  created_at: '2026-01-01T00:00:00.000001Z',
  expires_at: '2030-01-01T00:00:00.000Z',
};
const second = {
  importance: 0.9,
  metadata: { topic: 'work' },
  created_at: '2026-01-01T00:00:00.000002Z',
  expires_at: '2031-01-01T00:00:00.000Z',
};
const fields = ['importance_override', 'metadata', 'created_at', 'expires_at'];
const stored = ({ importance, ...rest }: { readonly importance: number }) => ({
  ...rest,
  importance_score: importance,
});
const message = (tenant_id: string, more: object = first, external_id = 'a') => ({
  tenant_id,
  external_id,
  conversation_id: 'c',
  role: 'user',
  content: `words of ${external_id}`,
  ...more,
});
const post = (body: object, headers = {}) => api.call('POST', '/v1/messages', { body, headers });
const get = async (tenant: string, id: string) =>
  (await api.call('GET', `/v1/messages/${id}?tenant_id=${tenant}`)).body;
const importing = async (query: string, ...values: readonly object[]) => {
  const raw = values.map((value) => JSON.stringify(value)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  const { text } = await api.call('POST', `/v1/messages/import${query}`, { raw, headers });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ status }) => status !== 'end');
};
const archive = (tenant: string) =>
  sql`
    with gone as (delete from message where tenant_id = ${tenant} returning *)
    insert into archived_message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
                                  content_hash, created_at, updated_at, expires_at, archived_at, archive_reason)
    select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
           created_at, updated_at, expires_at, '2026-02-01T03:00:00Z', 'age' from gone`.execute(api.db);

describe('a message sent again with something else', () => {
  test('is a conflict that names all that differs, and changes nothing', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    const answer = await post(message(tenant, second));
    expectProblem(
      answer,
      'conflict',
      fields.map((field) => ({ in: 'body', pointer: `/${field}` })),
    );
    expect(answer.body.detail).toContain(body.id);
    const batch = await api.call('POST', '/v1/messages/batch', { body: { messages: [message(tenant, second)] } });
    const differs = fields.map((field) => `/${field}`);
    const errors = fields.map((field) => ({ pointer: `/messages/0/${field}` }));
    expect(batch).toMatchObject({ status: 207, body: { errors: [{ code: 'conflict', differs, errors }] } });
    expect(await importing('', message(tenant, second))).toMatchObject([
      { line: 1, status: 'conflict', existing_id: body.id, differs },
    ]);
    expect(await get(tenant, body.id)).toEqual(body);
  });

  test.each([
    ['importance', 0.9, 'importance_override'],
    ['importance', 0, 'importance_override'],
    ['metadata', {}, 'metadata'],
    ['metadata', { topic: 'family', n: '1' }, 'metadata'],
    ['created_at', '2026-01-01T00:00:00Z', 'created_at'],
    ['expires_at', '2030-01-01T00:00:00.000001Z', 'expires_at'],
    ['expires_at', null, 'expires_at'],
  ])('differs when its %s is %j', async (name, value, field) => {
    const tenant = freshTenant();
    await post(message(tenant));
    expectProblem(await post(message(tenant, { ...first, [name]: value })), 'conflict', [
      { in: 'body', pointer: `/${field}` },
    ]);
  });

  test.each([
    ['the same', first],
    [
      'the same, written otherwise',
      { ...first, metadata: { n: 1.0, topic: 'family' }, created_at: '2026-01-01T01:00:00.000001+01:00' },
    ],
    ['nothing beside its words', {}],
    ['null for what was given', { importance: null, metadata: null, created_at: null }],
  ])('is a duplicate with %s', async (_, more) => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    expect(await post(message(tenant, more))).toMatchObject({ status: 200, body: { id: body.id, duplicate: true } });
  });

  test('is the stored one with on_conflict ignore, in every way of storing', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    const again = { ...body, duplicate: true };
    expect((await post({ ...message(tenant, second), on_conflict: 'ignore' })).body).toEqual(again);
    const messages = [message(tenant, second)];
    const batch = await api.call('POST', '/v1/messages/batch', { body: { messages, on_conflict: 'ignore' } });
    expect(batch.body.created).toEqual([again]);
    expect(await importing('?on_conflict=ignore', ...messages)).toEqual([
      { line: 1, status: 'duplicate', id: body.id },
    ]);
    expect(await get(tenant, body.id)).toEqual(body);
  });

  test('another on_conflict is refused, and one in an item', async () => {
    const tenant = freshTenant();
    const bad = { in: 'body', pointer: '/on_conflict' } as const;
    expectProblem(await post({ ...message(tenant), on_conflict: 'replace' }), 'invalid_request', [bad]);
    const batch = { messages: [message(tenant)], on_conflict: 1 };
    expectProblem(await api.call('POST', '/v1/messages/batch', { body: batch }), 'invalid_request', [bad]);
    const headers = { 'content-type': 'application/x-ndjson' };
    for (const name of ['on_conflict', 'onconflict']) {
      const answer = await api.call('POST', `/v1/messages/import?${name}=replace`, { raw: '', headers });
      expectProblem(answer, 'invalid_request', [{ in: 'query', pointer: `/${name}` }]);
    }
    const [line] = await importing('', { ...message(tenant), on_conflict: 'update' });
    expect(line).toMatchObject({ status: 'error', errors: [{ pointer: '/on_conflict' }] });
  });
});

describe('with on_conflict update', () => {
  test('the stored message gets what was sent, and so do its vectors', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    await embedPending(api, tenant);
    const answer = await post({ ...message(tenant, second), on_conflict: 'update' });
    expect(answer).toMatchObject({ status: 200, body: { id: body.id, updated: true, ...stored(second) } });
    expect(await get(tenant, body.id)).toMatchObject({ ...stored(second), embedding_status: 'completed' });
    const { rows } = await sql`
      select importance, to_char(created_at at time zone 'UTC', 'US') as us from embedding where tenant_id = ${tenant}
    `.execute(api.db);
    expect(rows).toEqual([{ importance: 0.9, us: '000002' }]);
    expect(await post({ ...message(tenant, second), on_conflict: 'update' })).toMatchObject({
      body: { duplicate: true },
    });
  });

  test('a batch and an import say which were updated; what is left out stays', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    const messages = [message(tenant, { importance: 0.5 }), message(tenant, {}, 'new')];
    const batch = await api.call('POST', '/v1/messages/batch', { body: { messages, on_conflict: 'update' } });
    expect(batch.body.updated).toMatchObject([
      { id: body.id, updated: true, ...stored({ ...first, importance: 0.5 }) },
    ]);
    expect(batch.body.created).toMatchObject([{ external_id: 'new' }]);
    const lines = await importing('?on_conflict=update', message(tenant, { expires_at: null }), message(tenant, {}));
    expect(lines.map(({ status }) => status)).toEqual(['updated', 'duplicate']);
    expect(await get(tenant, body.id)).toMatchObject({
      importance_score: 0.5,
      expires_at: null,
      metadata: first.metadata,
    });
  });

  test('of several in one request the last one counts, field by field', async () => {
    const tenant = freshTenant();
    const lines = await importing(
      '?on_conflict=update',
      message(tenant),
      message(tenant, { importance: 0.7 }),
      message(tenant, { metadata: { last: true } }),
      message(tenant, { importance: 0.8 }),
    );
    expect(lines.map(({ status }) => status)).toEqual(['stored', 'updated', 'updated', 'updated']);
    const expected = { ...stored(first), importance_score: 0.8, metadata: { last: true } };
    expect(await get(tenant, lines[0].id)).toMatchObject(expected);
  });

  test('another content, role or conversation stays a conflict', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    const answer = await post({ ...message(tenant, { ...second, role: 'tool' }), on_conflict: 'update' });
    expectProblem(
      answer,
      'conflict',
      ['role', ...fields].map((field) => ({ in: 'body', pointer: `/${field}` })),
    );
    expect(await get(tenant, body.id)).toEqual(body);
  });

  test('another speaker is found by name at once, and embedded again', async () => {
    const tenant = freshTenant();
    await post(message(tenant, { metadata: { speaker: 'Ana' } }));
    await embedPending(api, tenant);
    const before = api.notifications.length;
    await post({ ...message(tenant, { metadata: { speaker: 'Benedikt' } }), on_conflict: 'update' });
    const pending = await api.db
      .selectFrom('embedding_pending')
      .select('state')
      .where('tenant_id', '=', tenant)
      .execute();
    expect(pending).toEqual([{ state: 'pending' }]);
    expect(api.notifications.length).toBe(before + 1);
    const search = { tenant_id: tenant, query: 'Benedikt', mode: 'lexical' };
    expect((await api.call('POST', '/v1/memory/search', { body: search })).body.items).toHaveLength(1);
  });

  test('by many clients at once loses no field, and leaves copies that agree', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    await embedPending(api, tenant);
    const changes = [
      { importance: 0.6 },
      { metadata: { by: 'two' } },
      { created_at: second.created_at },
      { expires_at: second.expires_at },
    ];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) => post({ ...message(tenant, changes[n % 4]), on_conflict: 'update' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.some((answer) => answer.body.updated === true)).toBe(true);
    expect(await get(tenant, body.id)).toMatchObject({
      importance_score: 0.6,
      metadata: { by: 'two' },
      created_at: second.created_at,
      expires_at: second.expires_at,
    });
    const { rows } = await sql`
      select e.importance = m.importance and e.created_at = m.created_at as agrees
      from embedding e join message m on m.tenant_id = e.tenant_id and m.id = e.message_id where e.tenant_id = ${tenant}
    `.execute(api.db);
    expect(rows).toEqual([{ agrees: true }]);
  });

  test('under an idempotency key happens once, and is answered as before', async () => {
    const tenant = freshTenant();
    await post(message(tenant));
    const body = { ...message(tenant, second), on_conflict: 'update' };
    const [one, again] = [await post(body, { 'idempotency-key': 'k' }), await post(body, { 'idempotency-key': 'k' })];
    expect(one.body).toMatchObject({ updated: true, ...stored(second) });
    expect(again.body).toEqual(one.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  test('security: a message of another tenant with the same external id is left as it is', async () => {
    const [one, other] = [freshTenant(), freshTenant()];
    const [, theirs] = [await post(message(one)), await post(message(other))];
    await post({ ...message(one, second), on_conflict: 'update' });
    expect(await get(other, theirs.body.id)).toEqual(theirs.body);
  });
});

describe('an archived message', () => {
  const archivedAt = '2026-02-01T03:00:00.000Z';

  test('that is sent again is answered as archived, in every way of storing', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    await archive(tenant);
    const again = await post(message(tenant));
    expect(again).toMatchObject({ status: 200, body: { id: body.id, archived: true, archived_at: archivedAt } });
    expect(again.body).not.toHaveProperty('duplicate');
    const messages = [message(tenant)];
    const batch = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    expect(batch.body.created).toMatchObject([{ id: body.id, archived: true, archived_at: archivedAt }]);
    expect(await importing('', ...messages)).toEqual([{ line: 1, status: 'archived', id: body.id }]);
    expect(await importing('?on_conflict=ignore', message(tenant, second))).toMatchObject([{ status: 'archived' }]);
  });

  test('is not changed: with something else it is a conflict', async () => {
    const tenant = freshTenant();
    await post(message(tenant));
    await archive(tenant);
    for (const query of ['', '?on_conflict=update']) {
      expect(await importing(query, message(tenant, { importance: 1 }))).toMatchObject([
        { status: 'conflict', differs: ['/importance_override'] },
      ]);
    }
  });

  test('is read by its id, with the time of its archiving, and neither listed nor found', async () => {
    const tenant = freshTenant();
    const { body } = await post(message(tenant));
    await archive(tenant);
    const read = await get(tenant, body.id);
    expect(read).toEqual({ ...body, embedding_status: 'archived', archived_at: archivedAt });
    expect((await api.call('GET', `/v1/messages?tenant_id=${tenant}`)).body.items).toEqual([]);
    const search = { tenant_id: tenant, query: 'words', mode: 'lexical' };
    expect((await api.call('POST', '/v1/memory/search', { body: search })).body.items).toEqual([]);
    const stranger = await api.call('GET', `/v1/messages/${body.id}?tenant_id=${freshTenant()}`);
    expectProblem(stranger, 'not_found');
  });
});
