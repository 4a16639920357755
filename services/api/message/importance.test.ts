import { expect, test } from 'vitest';
import { importanceOf } from './importance.ts';

test.each([
  ['user', 0.233],
  ['assistant', 0.167],
  ['system', 0.3],
  ['tool', 0.1],
] as const)('%s is worth %d by itself', (role, value) => {
  expect(importanceOf(role, undefined)).toBeCloseTo(value, 3);
});

test('an override is taken as it is, zero included', () => {
  expect(importanceOf('system', 0)).toBe(0);
  expect(importanceOf('tool', 0.35)).toBe(0.35);
});
