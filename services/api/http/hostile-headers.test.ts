import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';
import { openRaw, readAnswer } from '../testing/raw-client.ts';
import { createKeyRing } from '../keys/environment-keys.ts';
import { HttpServer } from './http-server.ts';
import { toBlockList } from '../rate-limit/client-address.ts';
import { createRateLimiters } from '../rate-limit/rate-limiter.ts';

const key = 'key-of-tenant-acme';
const length = 15_000;

const absent = async (): Promise<never> => {
  throw new Error('nothing is behind this app');
};

let server: HttpServer;
beforeAll(async () => {
  const rate = { requests: 1_000_000, windowSeconds: 60 };
  const app = createBareApp('0', {
    keys: createKeyRing([{ key, tenantId: 'acme' }]),
    allowedOrigins: ['https://app.example'],
    trustedProxies: toBlockList(['127.0.0.0/8', '10.0.0.0/8']),
    rateLimiters: createRateLimiters({ address: rate, key: rate, tenant: rate }, undefined),
    messages: {
      create: absent,
      openStream: () => () => {
        throw new Error('nothing is imported');
      },
      createBatch: absent,
      getById: absent,
      list: async () => ({ items: [], isLast: true }),
      deleteById: absent,
    },
  });
  server = new HttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0, readiness: new Readiness() });
  await server.start();
});
afterAll(() => server.stop());

const body = '{"conversation_id":"c","role":"user","content":"x"}';
const fill = (unit: string, before = '', after = ''): string =>
  before + unit.repeat(Math.floor((length - before.length - after.length) / unit.length)) + after;

function requestOf(name: string, value: string): string {
  const fields = new Map([
    ['host', 'x'],
    ['x-api-key', key],
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    [name, value],
  ]);
  if (name === 'authorization') fields.delete('x-api-key');
  const head = [...fields].map(([field, text]) => `${field}: ${text}\r\n`).join('');
  return `POST /v1/messages HTTP/1.1\r\n${head}\r\n${body}`;
}

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\n\r\n`;
const benign = requestOf('x-benign', fill('y'));

/** What a request costs: CPU time of this process for some of them, the least of several tries, in microseconds. */
async function cost(request: string): Promise<number> {
  const client = await openRaw(server.url);
  const tries: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const before = process.cpuUsage();
    for (let m = 0; m < 20; m += 1) {
      const already = client.receivedBytes();
      client.send(request);
      await client.receive(already + 1);
    }
    const { user, system } = process.cpuUsage(before);
    tries.push(user + system);
  }
  client.socket.destroy();
  return Math.min(...tries);
}

const headers: readonly (readonly [string, string])[] = [
  ['prefer', fill('"\\')],
  ['prefer', fill('"')],
  ['prefer', fill(' ', 'wait', '=x')],
  ['prefer', fill('; ', 'wait=1', '"')],
  ['content-type', fill(' ', 'application/json;', 'x')],
  ['content-type', fill('-', 'application/', '+json')],
  ['content-type', fill('a+', 'application/', 'json')],
  ['content-type', fill(';charset=utf-8', 'application/json')],
  ['authorization', fill(' ', 'Bearer ', 'x y')],
  ['authorization', fill('x', 'Bearer ', ' y')],
  ['x-api-key', fill('x')],
  ['traceparent', fill('-', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')],
  ['traceparent', fill('0')],
  ['x-request-id', fill('=')],
  ['x-forwarded-for', fill('10.1.1.1,')],
  ['x-forwarded-for', fill(',')],
  ['x-forwarded-for', fill(':')],
  ['x-forwarded-for', fill('::ffff:')],
  ['idempotency-key', fill('k')],
  ['last-event-id', fill('1-')],
  ['origin', fill('https://app.example')],
  ['accept', fill('a/b;q=0.1,')],
  ['accept-encoding', fill('gzip;q=0.1,')],
  ['accept-language', fill('en;q=0.1,')],
  ['cookie', fill('a=b; ')],
  ['host', fill(':1')],
  ['host', fill('a.')],
  ['expect', fill('100-continue,')],
  ['if-none-match', fill('"a",')],
];

const targets: readonly (readonly [string, string])[] = [
  ['parameters without a value', fill('&a', '/v1/messages?')],
  ['repeated parameters', fill('&tenant_id=acme', '/v1/messages?')],
  ['many names', `/v1/messages?${Array.from({ length: 2000 }, (_, n) => `p${n}=`).join('&')}`],
  ['half of escapes', fill('%', '/v1/messages?tenant_id=')],
  ['escapes that are no UTF-8', fill('%ff', '/v1/messages?tenant_id=')],
  ['escapes in the path', fill('%ff', '/v1/messages/')],
  ['slashes', fill('/', '/v1')],
  ['segments', fill('/a', '/v1')],
  ['dots', fill('../', '/v1/')],
  ['a long id', fill('0', '/v1/messages/')],
  ['a cursor', fill('A', '/v1/messages?cursor=')],
  ['a number', fill('1', '/v1/messages?limit=', 'x')],
  ['a date', fill('0', '/v1/messages?created_after=2026-01-01T00:00:00.', 'x')],
  ['an asset', fill('.', '/docs/')],
  ['questions', fill('?', '/v1/messages')],
];

describe('security: nothing that is read of a request costs more than its length', () => {
  let plain: number;
  beforeAll(async () => {
    await cost(benign);
    plain = await cost(benign);
  });

  test.each(headers)('header %s: %.30s…', async (name, value) => {
    expect((await cost(requestOf(name, value))) / plain).toBeLessThan(4);
  });

  test.each(targets)('a target of %s', async (_, target) => {
    expect((await cost(get(target))) / plain).toBeLessThan(4);
  });
});

test('more parameters than are of use are refused by name', async () => {
  const client = await openRaw(server.url);
  client.send(get(`/v1/messages?${'a&'.repeat(200)}`));
  await client.receive(1);
  const { status, body: text } = readAnswer(client.received());
  expect([status, JSON.parse(text).errors]).toEqual([
    422,
    [{ in: 'query', pointer: '', detail: 'has more than 200 parameters' }],
  ]);
  client.socket.destroy();
});
