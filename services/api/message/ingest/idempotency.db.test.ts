import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `idempotent-${(tenants += 1)}`;
const inHeader = [{ in: 'header', pointer: '/idempotency-key' }] as const;
const message = (tenant_id: string, content = 'hello', more: object = {}) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content,
  ...more,
});
const post = (key: string, body: object, path = '/v1/messages') =>
  api.call('POST', path, { body, headers: { 'idempotency-key': key } });
const postBatch = (key: string, messages: readonly object[]) => post(key, { messages }, '/v1/messages/batch');
const isReplayed = (answer: Awaited<ReturnType<typeof post>>) => answer.headers.get('idempotency-replayed') === 'true';
const storedIn = async (tenantId: string) =>
  (await api.db.selectFrom('message').select('id').where('tenant_id', '=', tenantId).execute()).map((row) => row.id);

describe('the same key with the same body', () => {
  test('gets the same answer, marked as such, and stores one message', async () => {
    const tenant = freshTenant();
    const body = message(tenant, 'hello', { metadata: { a: [1] }, expires_at: '2027-01-01T00:00:00Z' });
    const first = await post('k-1', body);
    const before = api.notifications.length;
    const again = await post('k-1', body);
    expect([first.status, isReplayed(first)]).toEqual([202, false]);
    expect([again.status, isReplayed(again)]).toEqual([202, true]);
    expect(again.body).toEqual(first.body);
    expect(await storedIn(tenant)).toEqual([first.body.id]);
    expect(api.notifications.length).toBe(before);
  });

  test('gets it although the message is gone meanwhile', async () => {
    const tenant = freshTenant();
    const first = await post('k-1', message(tenant));
    await api.call('DELETE', `/v1/messages/${first.body.id}?tenant_id=${tenant}`);
    expect((await post('k-1', message(tenant))).body).toEqual(first.body);
    expect(await storedIn(tenant)).toEqual([]);
  });

  test('gets the whole answer of a batch: stored, duplicates, conflicts and invalid items', async () => {
    const tenant = freshTenant();
    await post('before', message(tenant, 'before', { external_id: 'x', importance: 0.7 }));
    const messages = [
      message(tenant, 'one', { created_at: '2026-01-01T00:00:00Z' }),
      message(tenant, 'before', { external_id: 'x' }),
      message(tenant, 'after', { external_id: 'x' }),
      message(tenant, ' '),
    ];
    const first = await postBatch('k-1', messages);
    const again = await postBatch('k-1', messages);
    expect([first.status, again.status, isReplayed(again)]).toEqual([207, 207, true]);
    expect(again.body).toEqual(first.body);
    expect(first.body.created).toHaveLength(2);
    expect(await storedIn(tenant)).toHaveLength(2);
  });

  test('gets the whole answer of a batch that is stored in parts, and what is missing of it is stored', async () => {
    const tenant = freshTenant();
    const messages = Array.from({ length: 30 }, (_, n) => message(tenant, `${n} ${'words '.repeat(16_000)}`));
    const [first, twin] = await Promise.all([postBatch('k-1', messages), postBatch('k-1', messages)]);
    expect([first.status, twin.status]).toEqual([202, 202]);
    expect(twin.body).toEqual(first.body);
    const again = await postBatch('k-1', messages);
    expect([again.status, isReplayed(again)]).toEqual([202, true]);
    expect(again.body).toEqual(first.body);
    expect(await storedIn(tenant)).toHaveLength(messages.length);

    // As if the process had ended before the last part.
    const gone = await api.db
      .deleteFrom('idempotency_key')
      .where('tenant_id', '=', tenant)
      .where('idempotency_key', 'like', 'k-1 % 5')
      .returning('idempotency_key')
      .execute();
    expect(gone).toHaveLength(1);
    const lost: string[] = first.body.created.slice(-6).map(({ id }: { id: string }) => id);
    await api.db.deleteFrom('message').where('tenant_id', '=', tenant).where('id', 'in', lost).execute();
    const resumed = await postBatch('k-1', messages);
    expect([resumed.status, isReplayed(resumed)]).toEqual([202, false]);
    expect(resumed.body.created.slice(0, -6)).toEqual(first.body.created.slice(0, -6));
    expect(await storedIn(tenant)).toHaveLength(messages.length);
    expect((await postBatch('k-1', [message(tenant, 'other')])).status).toBe(422);
  });

  test('that another request has is refused before anything of a large batch is stored', async () => {
    const tenant = freshTenant();
    expect((await postBatch('k-1', [message(tenant, 'small')])).status).toBe(202);
    const large = Array.from({ length: 30 }, (_, n) => message(tenant, `${n} ${'words '.repeat(16_000)}`));
    expectProblem(await postBatch('k-1', large), 'invalid_request', inHeader);
    expect(await storedIn(tenant)).toHaveLength(1);
  });

  test('by many clients at once has one effect, and all get its answer', async () => {
    const tenant = freshTenant();
    const requests = Array.from({ length: 30 }, (_, n) => post(`twin-${n % 3}`, message(tenant, `words ${n % 3}`)));
    const answers = await Promise.all(requests);
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 202));
    expect(answers.filter((answer) => !isReplayed(answer))).toHaveLength(3);
    const ids = new Set(answers.map((answer) => answer.body.id));
    expect(ids).toEqual(new Set(await storedIn(tenant)));
    expect(ids.size).toBe(3);
  });

  test('beside requests without a key, which are all stored', async () => {
    const tenant = freshTenant();
    const plain = Array.from({ length: 10 }, () => api.call('POST', '/v1/messages', { body: message(tenant) }));
    const keyed = Array.from({ length: 10 }, () => post('k', message(tenant)));
    const answers = await Promise.all([...plain, ...keyed]);
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 202));
    expect(await storedIn(tenant)).toHaveLength(11);
  });

  test('is a new request when a day has passed', async () => {
    const tenant = freshTenant();
    const first = await post('k-1', message(tenant));
    await sql`update idempotency_key set expires_at = now() where tenant_id = ${tenant}`.execute(api.db);
    const later = await post('k-1', message(tenant));
    expect([later.status, isReplayed(later)]).toEqual([202, false]);
    expect(later.body.id).not.toBe(first.body.id);
    expect((await post('k-1', message(tenant))).body).toEqual(later.body);
  });
});

describe('a key', () => {
  test('with another body, or on another route, is refused and stores nothing', async () => {
    const tenant = freshTenant();
    await post('k-1', message(tenant));
    expectProblem(await post('k-1', message(tenant, 'other')), 'invalid_request', inHeader);
    expectProblem(await postBatch('k-1', [message(tenant)]), 'invalid_request', inHeader);
    expect(await storedIn(tenant)).toHaveLength(1);
  });

  test('is not used up by a request that was refused', async () => {
    const tenant = freshTenant();
    expectProblem(await post('k-1', message(tenant, ' ')), 'invalid_request', [{ in: 'body', pointer: '/content' }]);
    expect((await post('k-1', message(tenant))).status).toBe(202);
  });

  test('is not used up by a request that failed', async () => {
    const tenant = freshTenant();
    const refusal = sql`alter table embedding_pending add constraint refusal check (tenant_id <> ${sql.lit(tenant)})`;
    await refusal.execute(api.db);
    expect((await post('k-1', message(tenant))).status).toBe(500);
    await sql`alter table embedding_pending drop constraint refusal`.execute(api.db);
    const answer = await post('k-1', message(tenant));
    expect([answer.status, isReplayed(answer)]).toEqual([202, false]);
  });

  test('security: belongs to its tenant', async () => {
    const body = { conversation_id: 'c', role: 'user', content: 'hello' };
    const of = (key: string) =>
      api.call('POST', '/v1/messages', { body, key, headers: { 'idempotency-key': 'shared' } });
    const [acme, globex] = [await of(keys.acme), await of(keys.globex)];
    expect([isReplayed(acme), isReplayed(globex)]).toEqual([false, false]);
    expect(globex.body).toMatchObject({ tenant_id: 'globex' });
    expect(globex.body.id).not.toBe(acme.body.id);
  });

  test('is for messages of one tenant', async () => {
    const two = [freshTenant(), freshTenant()];
    expectProblem(
      await postBatch(
        'k',
        two.map((tenant) => message(tenant)),
      ),
      'invalid_request',
      inHeader,
    );
    for (const tenant of two) expect(await storedIn(tenant)).toEqual([]);
  });

  test.each(['', ' ', 'a b', 'x'.repeat(256)])('is refused when it is %j', async (key) => {
    expectProblem(await post(key, message(freshTenant())), 'invalid_request', inHeader);
  });

  test('security: what is kept of its answer holds no words', async () => {
    const tenant = freshTenant();
    await postBatch('k', [message(tenant, 'a secret plan', { metadata: { also: 'hidden' }, external_id: 'x' })]);
    const rows = await api.db.selectFrom('idempotency_key').selectAll().where('tenant_id', '=', tenant).execute();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toMatch(/secret|hidden/);
  });
});
