import { BlockList } from 'node:net';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';
import { createRateLimiters } from '../rate-limit/rate-limiter.ts';
import { createKeyRing } from '../keys/environment-keys.ts';
import { HttpServer } from './http-server.ts';

const keys = { unbound: 'key-of-the-operator', acme: 'key-of-tenant-acme' };
const keyRing = createKeyRing([
  { key: keys.unbound, tenantId: undefined },
  { key: keys.acme, tenantId: 'acme' },
]);
const origin = 'https://app.example';
const bare = { keys: keyRing, allowedOrigins: [origin], trustedProxies: proxiesOnLoopback() };

function proxiesOnLoopback(): BlockList {
  const list = new BlockList();
  list.addAddress('127.0.0.1');
  return list;
}

const servers: HttpServer[] = [];
async function serve(app: ReturnType<typeof createBareApp>): Promise<string> {
  const server = new HttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await server.start();
  servers.push(server);
  return server.url;
}
afterAll(() => Promise.all(servers.map((server) => server.stop())));

// Streams and handlers of our own (`*`) are no paths.
const paths = [...new Set(createBareApp('0').routes.map(({ path }) => path))]
  .filter((path) => !path.includes('*'))
  .map((path) => path.replaceAll(/:\w+(?:\{[^}]*\})?/g, '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f'));
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const;
const requests = [
  '/nowhere',
  '/v2/messages',
  '/docs/swagger-ui.css',
  '/docs/constructor',
  '/docs/__proto__',
  ...paths,
].flatMap((path) => methods.map((method) => [method, path] as const));

let url: string;
beforeAll(async () => {
  url = await serve(createBareApp('0', bare));
});

describe.each([
  ['without a key', {}],
  ['with a key', { 'x-api-key': keys.unbound }],
  ['as JSON', { 'x-api-key': keys.unbound, 'content-type': 'application/json' }],
])('every answer %s', (_, sent: Record<string, string>) => {
  test.each(requests)('%s %s says what it is, and is kept by nobody', async (method, path) => {
    const body = method === 'POST' && 'content-type' in sent ? { body: '{"a":1}' } : {};
    const { status, headers, text } = await call(method, path, sent, body);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const isAsset = path.startsWith('/docs/swagger') && status === 200;
    expect(headers.get('cache-control')).toBe(isAsset ? 'max-age=86400' : 'no-store');
    expect(headers.get('x-request-id')).not.toBeNull();
    expect([headers.get('x-api-version'), headers.get('x-frame-options')]).toEqual(['v1', 'DENY']);
    const isProblem = headers.get('content-type') === 'application/problem+json';
    expect([status, isProblem]).toEqual([status, status >= 400]);
    const said: unknown = isProblem && method !== 'HEAD' ? JSON.parse(text) : { status };
    expect(said).toMatchObject({ status });
    // Nothing is behind the routes, which is our fault; everything else would be the caller's.
    expect(status >= 500 && !paths.includes(path)).toBe(false);
  });
});

describe('HEAD', () => {
  test.each(paths)('of %s answers as GET does, without a body', async (path) => {
    const [head, get] = [
      await call('HEAD', path, { 'x-api-key': keys.acme }),
      await call('GET', path, { 'x-api-key': keys.acme }),
    ];
    // A stream of events is not begun for it, so that it does not fail as GET does here.
    const [status, type] = path === '/v1/events' ? [200, 'text/event-stream'] : [get.status, typeOf(get)];
    expect([head.status, typeOf(head), head.text]).toEqual([status, type, '']);
  });
});

const typeOf = ({ headers }: { headers: Headers }): string | null => headers.get('content-type');

describe('security: HSTS', () => {
  const sent = async (proto: string, base: string) =>
    (await call('GET', '/livez', { 'x-forwarded-proto': proto }, {}, base)).headers.get('strict-transport-security');

  test.each([
    ['https', 'max-age=31536000'],
    ['HTTPS , http', 'max-age=31536000'],
    ['http', null],
    ['http, https', null],
    ['httpsx', null],
    ['', null],
  ])('of a trusted proxy that says %j: %s', async (proto, expected) => {
    expect(await sent(proto, url)).toBe(expected);
  });

  test('is not sent at the word of anybody else', async () => {
    const direct = await serve(createBareApp('0', { ...bare, trustedProxies: new BlockList() }));
    expect(await sent('https', direct)).toBeNull();
  });
});

describe('security: a preflight', () => {
  const ask = (from: string, path = '/v1/messages') =>
    call('OPTIONS', path, { origin: from, 'access-control-request-method': 'POST' });

  test('of an origin that may call is answered', async () => {
    const { status, headers } = await ask(origin);
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, origin]);
  });

  test.each(['https://evil.example', 'null', 'https://app.example.evil.example'])('of %s is refused', async (from) => {
    const { status, headers, text } = await ask(from);
    expect([status, JSON.parse(text).code]).toEqual([403, 'forbidden']);
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('is one only with what it asks for: another OPTIONS needs a key, and is not allowed', async () => {
    expect((await call('OPTIONS', '/v1/messages', { origin })).status).toBe(401);
    const { status, headers } = await call('OPTIONS', '/v1/messages', { origin, 'x-api-key': keys.acme });
    expect([status, headers.get('allow')?.split(', ').toSorted()]).toEqual([405, ['GET', 'HEAD', 'POST']]);
    expect((await call('OPTIONS', '/nowhere', { 'x-api-key': keys.acme })).status).toBe(404);
  });
});

describe('security: what is of all tenants', () => {
  test('metrics are for keys that are bound to none', async () => {
    const bound = await call('GET', '/metrics', { 'x-api-key': keys.acme });
    expect([bound.status, JSON.parse(bound.text).code]).toEqual([403, 'forbidden']);
    expect((await call('GET', '/metrics', { 'x-api-key': keys.unbound })).status).toBe(200);
  });
});

describe('security: the rate of an address', () => {
  let limited: string;
  let address = 0;
  beforeAll(async () => {
    const rates = { address: { requests: 1, windowSeconds: 3600 }, key: undefined, tenant: undefined };
    limited = await serve(createBareApp('0', { ...bare, rateLimiters: createRateLimiters(rates, undefined) }));
  });

  test.each([...requests, ['preflight', '/v1/messages'] as const])('holds for %s %s', async (what, path) => {
    const isPreflight = what === 'preflight';
    const headers = {
      // Of each path a client of its own.
      'x-forwarded-for': `2001:db8:${(address += 1).toString(16)}::1`,
      ...(isPreflight ? { origin, 'access-control-request-method': 'POST' } : {}),
    };
    const first = await call(isPreflight ? 'OPTIONS' : what, path, headers, {}, limited);
    expect(first.status).not.toBe(429);
    // Another address of the same network is the same client.
    headers['x-forwarded-for'] = `2001:db8:${address.toString(16)}::2`;
    const second = await call(isPreflight ? 'OPTIONS' : what, path, headers, {}, limited);
    expect(second.status).toBe(429);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('leaves out probes that this machine itself sends', async () => {
    for (let n = 0; n < 3; n += 1) {
      expect((await call('GET', '/livez', {}, {}, limited)).status).toBe(200);
      expect((await call('GET', '/readyz', {}, {}, limited)).status).not.toBe(429);
    }
  });
});

async function call(
  method: string,
  path: string,
  headers: Record<string, string>,
  init: RequestInit = {},
  base = url,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const response = await fetch(base + path, { method, headers, ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
