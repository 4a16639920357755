import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** What was logged of one request. */
async function linesOf(headers: Record<string, string>, requestId: string) {
  await api.call('GET', '/v1/messages?tenant_id=acme', { headers: { 'x-request-id': requestId, ...headers } });
  const lines = api.logLines.map((line) => JSON.parse(line));
  return lines.filter((line) => line.requestId === requestId);
}

test('a request has one line, with its trace when it is part of one', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(await linesOf({ traceparent }, 'traced')).toMatchObject([
    { msg: 'request', path: '/v1/messages', status: 200, traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
  ]);
});

test('without a valid traceparent nothing is said of a trace', async () => {
  for (const [n, headers] of [{}, { traceparent: 'anything at all' }].entries()) {
    const lines = await linesOf(headers, `untraced-${n}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toHaveProperty('traceId');
  }
});
