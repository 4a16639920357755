import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const perMinute = (requests: number) => ({ requests, windowSeconds: 60 });
const post = { body: { conversation_id: 'c', role: 'user', content: 'hello' } };

let api: TestApi;
beforeAll(async () => {
  const rates = { address: perMinute(40), key: perMinute(10), tenant: perMinute(4) };
  api = await startTestApi({ rates });
});
afterAll(() => api.stop());

describe('rate limits', () => {
  test('a tenant that has used up its requests gets the time to come back; others go on', async () => {
    for (let n = 0; n < 4; n++) {
      expect((await api.call('POST', '/v1/messages', { ...post, key: keys.acme })).status).toBe(202);
    }
    const refused = await api.call('POST', '/v1/messages', { ...post, key: keys.acme });
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe('rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-ratelimit-tenant-remaining')).toBe('0');
    expect((await api.call('POST', '/v1/messages', { ...post, key: keys.globex })).status).toBe(202);
  });

  test('an answer says how the key and the tenant stand', async () => {
    const answer = await api.call('POST', '/v1/messages', { ...post, key: keys.globex });
    expect(answer.headers.get('ratelimit-policy')).toMatch(/"address";q=40;w=60, "key";q=10;w=60, "tenant";q=4;w=60/);
    expect(answer.headers.get('ratelimit')).toMatch(/"key";r=\d+;t=\d+, "tenant";r=2;t=\d+/);
    expect(answer.headers.get('x-ratelimit-limit')).toBe('10');
  });

  test('security: guessing keys uses up the address', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 45; n++) {
      statuses.push((await api.call('GET', '/v1/messages', { key: `guessed-key-number-${n}` })).status);
    }
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect((await api.call('GET', '/livez')).status).toBe(429);
  });

  test('refusals are counted by whose rate was used up', async () => {
    const { values } = await api.metrics.rateLimited.get();
    const counted = Object.fromEntries(values.map(({ labels, value }) => [labels.subject, value]));
    expect(counted).toEqual({ address: expect.any(Number), key: 0, tenant: 1 });
    expect(counted['address']).toBeGreaterThan(0);
  });
});
