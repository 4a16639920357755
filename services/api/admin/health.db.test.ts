import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeFailed } from '../testing/store-failed.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const rate = { requests: 10, windowSeconds: 3600 };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    rates: { address: rate },
  });
  await storeFailed(api, { tenantId: 'failed', count: 2 });
  const message = { tenant_id: 'waiting', conversation_id: 'c', role: 'user', content: 'waiting' };
  await api.call('POST', '/v1/messages', { body: message });
});
afterAll(() => api.stop());

const paths = ['/v1/admin/health', '/v1/admin/readiness'] as const;

test.each(paths)('%s reports how much is waiting to a key, and null for what cannot be read', async (path) => {
  const answer = await api.call('GET', path);
  expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(answer.body.backlog).toEqual({
    messages: { pending: 1, failed: 2, oldest_pending_seconds: expect.any(Number) },
    embedding_jobs: { waiting: 1, active: 2, delayed: 3, failed: 4 },
    retention_jobs: null,
  });
  expect(answer.body.backlog.messages.oldest_pending_seconds).toBeGreaterThan(0);
});

describe('security: health', () => {
  test.each(paths)('without a key %s answers, and says nothing of that', async (path) => {
    const answer = await api.call('GET', path, { key: null });
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(answer.body).not.toHaveProperty('backlog');
  });

  test.each(paths)('%s reports nothing of all tenants to a key of one tenant', async (path) => {
    const answer = await api.call('GET', path, { key: keys.acme });
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(answer.body).not.toHaveProperty('backlog');
  });

  test('an unknown key is as good as none, a known one may be a bearer token', async () => {
    const unknown = await api.call('GET', paths[0], { key: 'a-key-that-nobody-has-made' });
    expect(unknown).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(unknown.body).not.toHaveProperty('backlog');
    const known = await api.call('GET', paths[0], { key: null, headers: { authorization: `Bearer ${keys.unbound}` } });
    expect(known.body).toHaveProperty('backlog');
  });

  test('cannot be asked for, nor keys be tried out, faster than anything else', async () => {
    const guess = async (key: string | null) => (await api.call('GET', paths[0], { key })).status;
    let guesses = 0;
    while ((await guess(`guess-number-${guesses}`)) === 200 && guesses < rate.requests) guesses += 1;
    expect(guesses).toBeLessThan(rate.requests);
    expect(await guess(null)).toBe(429);
  });
});
