import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRaw, readAnswer, type RawAnswer } from '../testing/raw-client.ts';
import { HttpServer } from './http-server.ts';

const app = new Hono().all('/*', async (c) => c.text(`read ${(await c.req.text()).length}`));
// A client that goes away in the middle of its body.
app.onError((_, c) => c.text('failed', 500));
let server: HttpServer;
beforeAll(async () => {
  server = new HttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await server.start();
});
afterAll(() => server.stop());

async function send(text: string): Promise<RawAnswer> {
  const client = await openRaw(server.url);
  client.send(text);
  return readAnswer(await client.rest());
}

const many = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}: y\r\n`).join('');

describe('what is no request', () => {
  test.each([
    ['no HTTP at all', 'hello there\r\n\r\n', 400, 'malformed_request'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001', 400, 'malformed_request'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nhost x\r\n\r\n', 400, 'malformed_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'a chunk of no size',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      400,
      'malformed_request',
    ],
    ['no host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'malformed_request'],
    ['a host that is none', 'GET / HTTP/1.1\r\nhost: a b/c\r\nconnection: close\r\n\r\n', 400, 'malformed_request'],
    ['a target that is none', 'GET http:// HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400, 'malformed_request'],
    ['a long target', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 414, 'uri_too_long'],
    ['a long header', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['many headers', `GET / HTTP/1.1\r\nhost: x\r\n${many(4000)}\r\n`, 431, 'headers_too_large'],
    [
      'long extensions of chunks',
      `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`,
      413,
      'payload_too_large',
    ],
    ['CONNECT', 'CONNECT memory-layer:80 HTTP/1.1\r\nhost: x\r\n\r\n', 405, 'method_not_allowed'],
  ])('%s is answered with a problem', async (_, text, status, code) => {
    const answer = await send(text);
    const problem = JSON.parse(answer.body);
    expect([answer.status, problem.status, problem.code]).toEqual([status, status, code]);
    expect(Object.keys(problem)).toEqual(['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      'content-length': String(answer.body.length),
      'x-api-version': 'v1',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'x-request-id': problem.requestId,
      connection: 'close',
    });
  });
});

describe('what is unusual and still a request', () => {
  test.each([
    ['an expectation that is not understood', 'GET / HTTP/1.1\r\nhost: x\r\nexpect: tea\r\nconnection: close\r\n\r\n'],
    [
      'an upgrade to what is not spoken here',
      'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: tea\r\n\r\n',
    ],
    ['thousands of short headers', `GET / HTTP/1.1\r\nhost: x\r\n${many(1500)}connection: close\r\n\r\n`],
    ['a target as proxies send it', 'GET http://x/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
  ])('%s is answered', async (_, text) => {
    expect(await send(text)).toMatchObject({ status: 200, body: 'read 0' });
  });
});

test('a fault behind a good request does not spoil its answer', async () => {
  const client = await openRaw(server.url);
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n');
  const [first = '', ...more] = (await client.rest()).split(/(?=HTTP\/1\.1 )/);
  // The answer of the first may be lost with its connection, but is never mixed with another one.
  expect(first === '' || /^HTTP\/1\.1 (?:200|400) /.test(first)).toBe(true);
  expect(more.length).toBeLessThanOrEqual(1);
});
