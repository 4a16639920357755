import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { expectProblem } from '../testing/expect-problem.ts';
import type { Answer } from '../testing/call.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const origin = 'https://app.example';
const message = { conversation_id: 'c', role: 'user', content: 'hello' };
const windowSeconds = 3600;
const perHour = (requests: number) => ({ requests, windowSeconds });

let api: TestApi;
let stored: Answer;
beforeAll(async () => {
  const rates = { address: perHour(1000), key: perHour(1000), tenant: perHour(9) };
  api = await startTestApi({ rates, allowedOrigins: [origin] });
  stored = await post('/v1/messages', message);
});
afterAll(() => api.stop());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', path, { key: keys.acme, headers: { origin, ...headers }, body });
const get = (path: string) => api.call('GET', path, { key: keys.acme, headers: { origin } });

describe('message_metadata', () => {
  test('is deprecated in every answer that has it, from one date to another, with a page about it', async () => {
    const answers = [
      stored,
      await post('/v1/messages/batch', { messages: [message] }),
      await get(`/v1/messages/${stored.body.id}`),
    ];
    for (const { headers, text } of nonEmpty(answers)) {
      expect(text).toContain('message_metadata');
      const [, since = ''] = /^@(\d+)$/.exec(headers.get('deprecation') ?? '') ?? [];
      const sunset = headers.get('sunset') ?? '';
      expect(new Date(sunset).toUTCString()).toBe(sunset);
      expect(Date.parse(sunset)).toBeGreaterThan(Number(since) * 1000);
      expect(headers.get('link')).toBe('</docs>; rel="deprecation"; type="text/html"');
    }
  });

  test('is not deprecated where it is not', async () => {
    for (const { headers, text } of nonEmpty([await get('/v1/messages'), await post('/v1/messages', {})])) {
      expect(text).not.toContain('message_metadata');
      expect([headers.get('deprecation'), headers.get('sunset'), headers.get('link')]).toEqual([null, null, null]);
    }
  });
});

describe('rates', () => {
  test('end at a second since 1970, the same for the requests of a window, as the fields of the IETF say', async () => {
    const { headers } = await get('/v1/messages');
    const reset = Number(headers.get('x-ratelimit-tenant-reset'));
    const [, seconds] = /"tenant";r=\d+;t=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
    expect(Math.abs(reset - Date.now() / 1000 - Number(seconds))).toBeLessThan(3);
    expect(Math.abs(reset - Number(stored.headers.get('x-ratelimit-tenant-reset')))).toBeLessThanOrEqual(1);
    expect(Math.abs(Number(headers.get('x-ratelimit-reset')) - Date.now() / 1000 - windowSeconds)).toBeLessThan(60);
  });

  test('that are used up are told in the body too', async () => {
    let answer = await get('/v1/messages');
    for (let n = 0; n < 10 && answer.status === 200; n += 1) answer = await get('/v1/messages');
    expectProblem(answer, 'rate_limited');
    expect(answer.body.retry_after).toBeGreaterThan(windowSeconds - 600);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
  });
});

test('a page can read every header field of an answer', async () => {
  const answers = [
    stored,
    await api.call('GET', '/v1/messages?tenant_id=t', { key: null, headers: { origin } }),
    await api.call('PATCH', '/v1/messages', { headers: { origin } }),
    await api.call('POST', '/v1/messages', {
      headers: { origin, prefer: 'wait=0', 'idempotency-key': 'k' },
      body: { ...message, tenant_id: 'other' },
    }),
  ];
  // Fetch, 3.2.6: these need no permission. The last are for the browser itself.
  const safe = new Set(['cache-control', 'content-type', 'content-length', 'vary']);
  const forBrowsers = /^(?:access-control-|x-content-type-options$|x-frame-options$)/;
  const exposed = (stored.headers.get('access-control-expose-headers') ?? '').toLowerCase().split(',');
  const sent = new Set(answers.flatMap(({ headers }) => [...headers.keys()]));
  expect(sent.size).toBeGreaterThan(15);
  expect([...sent].filter((name) => !safe.has(name) && !forBrowsers.test(name) && !exposed.includes(name))).toEqual([]);
});
