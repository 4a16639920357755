import { expect, test } from 'vitest';
import { TenantTurns } from './tenant-turns.ts';

test('a tenant gets three quarters of the places, and another one the rest', () => {
  const turns = new TenantTurns(8);
  expect(Array.from({ length: 8 }, () => turns.enter('flood')).filter(Boolean)).toHaveLength(6);
  expect([turns.enter('other'), turns.enter('other')]).toEqual([true, true]);
});

test('who was turned away is told of once, when a place is free again', () => {
  const turns = new TenantTurns(2);
  expect([turns.enter('a'), turns.enter('a'), turns.enter('a'), turns.enter('a')]).toEqual([true, true, false, false]);
  expect(turns.leave('a')).toBe(true);
  expect(turns.enter('a')).toBe(true);
  expect([turns.leave('a'), turns.leave('a')]).toEqual([false, false]);
  expect(turns.enter('a')).toBe(true);
});

test.each([1, 2, 3, 64])('with %s places each tenant has at least one', (concurrency) => {
  expect(new TenantTurns(concurrency).enter('a')).toBe(true);
});
