import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { createRateLimiters } from './rate-limiter.ts';

const url = process.env['TEST_REDIS_URL'];
const open = (address: string) =>
  new Redis(address, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
const rates = { address: undefined, key: { requests: 5, windowSeconds: 60 }, tenant: undefined };

describe.skipIf(url === undefined)('rate limits on Redis (needs TEST_REDIS_URL)', () => {
  const prefix = `{test-${randomUUID()}}`;
  const clients: Redis[] = [];
  afterAll(() => {
    for (const client of clients) client.disconnect();
  });

  async function limiterOfAProcess(address = url ?? '') {
    const client = open(address);
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect().catch(() => undefined);
    const { key } = createRateLimiters(rates, { client, prefix });
    if (key === undefined) throw new Error('no limiter');
    return key;
  }

  test('two processes count together', async () => {
    const [one, other, subject] = [await limiterOfAProcess(), await limiterOfAProcess(), randomUUID()];
    const decisions = [];
    for (let n = 0; n < 8; n++) decisions.push(await (n % 2 === 0 ? one : other).consume(subject));
    expect(decisions.map((decision) => decision?.allowed)).toEqual([true, true, true, true, true, false, false, false]);
    expect(decisions.map((decision) => decision?.remaining)).toEqual([4, 3, 2, 1, 0, 0, 0, 0]);
  });

  test('a subject with a rate of its own is counted by that, in all processes', async () => {
    const [one, other, subject] = [await limiterOfAProcess(), await limiterOfAProcess(), randomUUID()];
    const own = { requests: 7, windowSeconds: 10 };
    const decisions = [];
    for (let n = 0; n < 9; n++) decisions.push(await (n % 2 === 0 ? one : other).consume(subject, own));
    expect(decisions.map((decision) => decision?.remaining)).toEqual([6, 5, 4, 3, 2, 1, 0, 0, 0]);
    expect(decisions.map((decision) => decision?.allowed).filter((allowed) => allowed === true)).toHaveLength(7);
    expect(decisions.every((decision) => (decision?.resetSeconds ?? 60) <= 10)).toBe(true);
  });

  test('without Redis a process counts for itself', async () => {
    const [limiter, subject] = [await limiterOfAProcess('redis://127.0.0.1:1'), randomUUID()];
    const allowed = [];
    for (let n = 0; n < 7; n++) allowed.push((await limiter.consume(subject))?.allowed);
    expect(allowed).toEqual([true, true, true, true, true, false, false]);
  });
});
