import { Throughput } from '@memory-layer/shared/embedding/throughput';
import { expect, test } from 'vitest';
import { TenantTurns } from './tenant-turns.ts';

test('a tenant gets three quarters of the places, and another one the rest', () => {
  const turns = new TenantTurns(8, new Throughput());
  expect(Array.from({ length: 8 }, () => turns.enter('flood')).filter(Boolean)).toHaveLength(6);
  expect([turns.enter('other'), turns.enter('other')]).toEqual([true, true]);
});

test('who was turned away is told of once, when a place is free again', () => {
  const turns = new TenantTurns(2, new Throughput());
  expect([turns.enter('a'), turns.enter('a'), turns.enter('a'), turns.enter('a')]).toEqual([true, true, false, false]);
  expect(turns.leave('a', 0)).toBe(true);
  expect(turns.enter('a')).toBe(true);
  expect([turns.leave('a', 0), turns.leave('a', 0)]).toEqual([false, false]);
  expect(turns.enter('a')).toBe(true);
});

test.each([1, 2, 3, 64])('with %s places each tenant has at least one', (concurrency) => {
  expect(new TenantTurns(concurrency, new Throughput()).enter('a')).toBe(true);
});

test('a tenant holds a few leases’ worth of tokens at most, and begins again when it holds less', () => {
  const turns = new TenantTurns(16, new Throughput());
  const lease = turns.leaseTokens;
  let entered = 0;
  while (entered < 12 && turns.enter('flood')) {
    entered += 1;
    turns.hold('flood', lease);
  }
  expect(entered).toBe(4);
  expect(turns.enter('other')).toBe(true);
  expect(turns.leave('flood', lease)).toBe(true);
  expect(turns.enter('flood')).toBe(true);
});

test('a lease is what the model can do in half a second, and never too little for ordinary messages', async () => {
  let now = 0;
  const throughput = new Throughput(() => now);
  const turns = new TenantTurns(16, throughput);
  expect(turns.leaseTokens).toBe(4096);
  await throughput.measure(100_000, async () => void (now += 1000));
  expect(turns.leaseTokens).toBe(50_000);
});
