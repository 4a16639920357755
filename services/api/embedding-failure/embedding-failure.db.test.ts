import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { storeFailed } from '../testing/store-failed.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const listPath = '/v1/admin/embeddings/failed';
const retryPath = '/v1/admin/embeddings/retry';
const unknownId = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `failing-${(tenants += 1)}`;
const list = (tenantId: string, more = '') => api.call('GET', `${listPath}?tenant_id=${tenantId}${more}`);
const retry = (tenant_id: string, more: object) => api.call('POST', retryPath, { body: { tenant_id, ...more } });
const idsOf = (body: { items: readonly { message_id: string }[] }) => body.items.map((item) => item.message_id);
const pendingOf = (tenantId: string) =>
  api.db.selectFrom('embedding_pending').selectAll().where('tenant_id', '=', tenantId).orderBy('message_id').execute();

async function storePending(tenant_id: string): Promise<string> {
  const message = { tenant_id, conversation_id: 'c', role: 'user', content: 'still waiting' };
  return (await api.call('POST', '/v1/messages', { body: message })).body.id;
}

describe('listing failed messages', () => {
  test('lists the reason of each, and nothing of what is pending', async () => {
    const tenantId = freshTenant();
    const [id] = await storeFailed(api, { tenantId, count: 1, reason: 'too strange', attempts: 5 });
    await storePending(tenantId);
    const answer = await list(tenantId);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      items: [
        {
          message_id: id,
          conversation_id: 'c',
          reason: 'too strange',
          attempts: 5,
          failed_at: '2026-01-02T00:00:00.000Z',
          created_at: '2026-01-01T00:00:01.000Z',
        },
      ],
      next_cursor: null,
    });
  });

  test('goes through all of them page by page, the last stored first', async () => {
    const tenantId = freshTenant();
    const ids = await storeFailed(api, { tenantId, count: 7 });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(tenantId, `&limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.body.items.length).toBeLessThanOrEqual(3);
      seen.push(...idsOf(page.body));
      cursor = page.body.next_cursor ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(ids.toReversed());
  });

  test('is empty for who has none, and refuses what it does not know', async () => {
    expect((await list(freshTenant())).body).toEqual({ items: [], next_cursor: null });
    for (const [more, field] of [
      ['&limit=0', 'limit'],
      ['&limit=201', 'limit'],
      ['&cursor=abc', 'cursor'],
    ] as const) {
      expectProblem(await list('any', more), 'invalid_request', [{ in: 'query', pointer: `/${field}` }]);
    }
    expectProblem(await api.call('GET', listPath), 'invalid_request', [{ in: 'query', pointer: '/tenant_id' }]);
  });

  test('leaves out vectors of another generation', async () => {
    const tenantId = freshTenant();
    await storeFailed({ db: api.db, generation: api.generation + 1 }, { tenantId, count: 1 });
    expect((await list(tenantId)).body.items).toEqual([]);
    expect((await retry(tenantId, { all: true })).body.retried).toBe(0);
  });
});

describe('retrying', () => {
  test('makes them pending as if they were new, keeps the reason, and notifies the workers', async () => {
    const tenantId = freshTenant();
    const [first = '', second = '', third = ''] = await storeFailed(api, { tenantId, count: 3, reason: 'a bad day' });
    const before = new Date();
    api.notifications.length = 0;
    const answer = await retry(tenantId, { message_ids: [third, first.toUpperCase(), third] });
    expect(answer).toMatchObject({ status: 200 });
    const none = { not_found: [], not_failed: [], remaining: false };
    expect(answer.body).toEqual({ tenant_id: tenantId, retried: 2, ...none });
    expect(api.notifications).toMatchObject([{ tenantId, generation: api.generation }]);

    const pendingAgain = {
      state: 'pending',
      attempts: 0,
      leased_until: null,
      failed_at: null,
      last_error: 'a bad day',
    };
    const rows = await pendingOf(tenantId);
    expect(rows).toMatchObject([
      { message_id: first, ...pendingAgain },
      { message_id: second, state: 'failed', attempts: 3 },
      { message_id: third, ...pendingAgain },
    ]);
    const [row] = rows;
    // Due at once, and no older than this retry: it is not what alerts on waiting are for. Clocks may differ a little.
    expect(row?.due_at.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
    expect(row?.created_at.getTime()).toBeGreaterThan(before.getTime() - 1000);
    expect(idsOf((await list(tenantId)).body)).toEqual([second]);
    const message = await api.call('GET', `/v1/messages/${first}?tenant_id=${tenantId}`);
    expect(message.body.embedding_status).toBe('pending');
  });

  test('names the ids that it did nothing for; asked again, it does nothing', async () => {
    const tenantId = freshTenant();
    const [failed = ''] = await storeFailed(api, { tenantId, count: 1 });
    const pending = await storePending(tenantId);
    const message_ids = [unknownId, failed, pending];
    const first = await retry(tenantId, { message_ids });
    expect(first.body).toMatchObject({ retried: 1, not_found: [unknownId], not_failed: [pending] });
    const rows = await pendingOf(tenantId);
    api.notifications.length = 0;
    const second = await retry(tenantId, { message_ids });
    expect(second.body).toMatchObject({ retried: 0, not_found: [unknownId], not_failed: [failed, pending] });
    expect(await pendingOf(tenantId)).toEqual(rows);
    expect(api.notifications).toEqual([]);
  });

  test('all: every one, more than fit a batch, each once though two ask at once', async () => {
    const tenantId = freshTenant();
    await storeFailed(api, { tenantId, count: 4500 });
    const answers = await Promise.all([retry(tenantId, { all: true }), retry(tenantId, { all: true })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ body }) => body.retried).reduce((a, b) => a + b)).toBe(4500);
    expect(answers.map(({ body }) => body.remaining)).toEqual([false, false]);
    expect(new Set((await pendingOf(tenantId)).map((row) => row.state))).toEqual(new Set(['pending']));
    expect((await retry(tenantId, { all: true })).body).toMatchObject({ retried: 0, remaining: false });
  });

  test('all: when time is up it says that some remain, and goes on when asked again', async () => {
    const hurried = await startTestApi({ retryBudgetMs: 0 });
    const ask = () => hurried.call('POST', retryPath, { body: { tenant_id: 'many', all: true } });
    try {
      await storeFailed(hurried, { tenantId: 'many', count: 4500 });
      expect((await ask()).body).toMatchObject({ retried: 2000, remaining: true });
      expect((await ask()).body).toMatchObject({ retried: 2000, remaining: true });
      expect((await ask()).body).toMatchObject({ retried: 500, remaining: false });
    } finally {
      await hurried.stop();
    }
  });

  const both = { message_ids: [unknownId], all: true };
  const tooMany = { message_ids: Array.from({ length: 1001 }, () => unknownId) };
  test.each<[string, object, string]>([
    ['neither', {}, '/message_ids'],
    ['both', both, '/all'],
    ['no ids', { message_ids: [] }, '/message_ids'],
    ['too many ids', tooMany, '/message_ids'],
    ['an id that is none', { message_ids: [unknownId, 'x'] }, '/message_ids/1'],
    ['all that is not true', { all: false }, '/all'],
    ['something else', { all: true, force: true }, '/force'],
  ])('refuses %s', async (_, body, pointer) => {
    expectProblem(await retry('any', body), 'invalid_request', [{ in: 'body', pointer }]);
  });

  test('takes a thousand ids', async () => {
    const tenantId = freshTenant();
    const ids = await storeFailed(api, { tenantId, count: 1000 });
    expect((await retry(tenantId, { message_ids: ids })).body).toMatchObject({ retried: 1000, not_failed: [] });
  });
});

describe('security: failed messages', () => {
  test('a tenant neither sees nor retries those of another', async () => {
    const [mine = ''] = await storeFailed(api, { tenantId: 'acme', count: 1, reason: 'a secret of acme' });
    const theirs = { key: keys.globex };
    const seen = await api.call('GET', listPath, theirs);
    expect(seen).toMatchObject({ status: 200, body: { items: [] } });
    const one = await api.call('POST', retryPath, { ...theirs, body: { message_ids: [mine] } });
    expect(one.body).toMatchObject({ tenant_id: 'globex', retried: 0, not_found: [mine], not_failed: [] });
    const all = await api.call('POST', retryPath, { ...theirs, body: { all: true } });
    expect(all.body).toMatchObject({ tenant_id: 'globex', retried: 0 });
    for (const answer of [seen, one, all]) expect(answer.text).not.toContain('secret');
    expect(await pendingOf('acme')).toMatchObject([{ message_id: mine, state: 'failed', attempts: 3 }]);

    expectProblem(await api.call('GET', `${listPath}?tenant_id=acme`, theirs), 'forbidden', [
      { in: 'query', pointer: '/tenant_id' },
    ]);
    expectProblem(
      await api.call('POST', retryPath, { ...theirs, body: { tenant_id: 'acme', all: true } }),
      'forbidden',
      [{ in: 'body', pointer: '/tenant_id' }],
    );
    const own = await api.call('POST', retryPath, { key: keys.acme, body: { all: true } });
    expect(own.body).toMatchObject({ tenant_id: 'acme', retried: 1 });
  });

  test('nothing without a key', async () => {
    expectProblem(await api.call('GET', listPath, { key: null }), 'unauthenticated');
    expectProblem(await api.call('POST', retryPath, { key: null, body: { all: true } }), 'unauthenticated');
  });
});
