import { expect, test } from 'vitest';
import { Throughput } from './embedder/throughput.ts';
import { TenantJobLimiter } from './tenant-job-limiter.ts';

test('a tenant gets three quarters of the places, and another one the rest', () => {
  const limiter = new TenantJobLimiter(8, new Throughput());
  expect(Array.from({ length: 8 }, () => limiter.enter('flood')).filter(Boolean)).toHaveLength(6);
  expect([limiter.enter('other'), limiter.enter('other')]).toEqual([true, true]);
});

test('a refused job is reported once, when a place is free again', () => {
  const limiter = new TenantJobLimiter(2, new Throughput());
  expect([limiter.enter('a'), limiter.enter('a'), limiter.enter('a'), limiter.enter('a')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(limiter.leave('a', 0)).toBe(true);
  expect(limiter.enter('a')).toBe(true);
  expect([limiter.leave('a', 0), limiter.leave('a', 0)]).toEqual([false, false]);
  expect(limiter.enter('a')).toBe(true);
});

test.each([1, 2, 3, 64])('with %s places each tenant has at least one', (concurrency) => {
  expect(new TenantJobLimiter(concurrency, new Throughput()).enter('a')).toBe(true);
});

test('a tenant holds a few leases’ worth of tokens at most, and begins again when it holds less', () => {
  const limiter = new TenantJobLimiter(16, new Throughput());
  const lease = limiter.leaseTokens;
  let entered = 0;
  while (entered < 12 && limiter.enter('flood')) {
    entered += 1;
    limiter.hold('flood', lease);
  }
  expect(entered).toBe(4);
  expect(limiter.enter('other')).toBe(true);
  expect(limiter.leave('flood', lease)).toBe(true);
  expect(limiter.enter('flood')).toBe(true);
});

test('a lease is what the model can do in half a second, and never too little for ordinary messages', async () => {
  let now = 0;
  const throughput = new Throughput(() => now);
  const limiter = new TenantJobLimiter(16, throughput);
  expect(limiter.leaseTokens).toBe(4096);
  await throughput.measure(100_000, async () => void (now += 1000));
  expect(limiter.leaseTokens).toBe(50_000);
});
