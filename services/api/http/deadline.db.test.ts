import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    requestTimeoutMs: 50,
    allowedOrigins: ['https://app.example'],
  });
});
afterAll(() => api.stop());

test('a request whose time is up is answered with 504', async () => {
  // The model would be waited for longer than the request may take.
  api.embedder.mood = 'hanging';
  const answer = await api.call('GET', '/v1/memory/search?tenant_id=slow&query=garden');
  expect(answer.status).toBe(504);
  expect(answer.body.code).toBe('deadline_exceeded');
});

test('every answer says which version of the API gave it', async () => {
  expect((await api.call('GET', '/livez')).headers.get('x-api-version')).toBe('v1');
});

test('web pages of allowed origins can read answers, errors too; others cannot', async () => {
  const from = (origin: string) =>
    api.call('GET', '/v1/messages', { key: 'not-a-known-key-at-all', headers: { origin } });
  const allowed = await from('https://app.example');
  expect(allowed.status).toBe(401);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
  expect((await from('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
});
