import { expect, test } from 'vitest';
import { changesText } from './audit-event.ts';

test('changes are written as they are', () => {
  expect(JSON.parse(changesText({ actions: ['archive'], dry_run: false }))).toEqual({
    actions: ['archive'],
    dry_run: false,
  });
});

test('of changes that are too long the names are written, and that the values were left out', () => {
  const tenants = Array.from({ length: 100 }, (_, n) => `${n}-${'x'.repeat(100)}`);
  expect(JSON.parse(changesText({ name: 'support', tenants }))).toEqual({ left_out: ['name', 'tenants'] });
});

test('whatever is given, little is written', () => {
  const changes = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`${n}${'é'.repeat(500)}`, 'x']));
  expect(Buffer.byteLength(changesText(changes))).toBeLessThan(4096);
});
