import { describe, expect, test } from 'vitest';
import { createKeyRing, parseApiKeys } from './auth.ts';

const key = 'a-key-of-good-length';

describe('security: API keys', () => {
  test('a bound key differs from an unbound one', () => {
    const parsed = parseApiKeys([key, `another-${key}:acme`]);
    expect(parsed).toEqual({
      ok: true,
      keys: [
        { key, tenantId: undefined },
        { key: `another-${key}`, tenantId: 'acme' },
      ],
    });
  });

  test.each([
    ['auth0%7Ca1', 'auth0|a1'],
    ['C024%3A1714', 'C024:1714'],
    ['ana@example.org', 'ana@example.org'],
    ['a%2Cb', 'a,b'],
    ['a%255', 'a%5'],
  ])('the tenant %s is %s: ids are percent-encoded', (written, tenantId) => {
    expect(parseApiKeys([`${key}:${written}`])).toEqual({ ok: true, keys: [{ key, tenantId }] });
  });

  test.each([
    ['short', /at least 16/],
    [`${key}:acme:more`, /must be/],
    [`${key}:not a tenant `, /not a valid tenant/],
    [`${key}:not%encoded`, /not a valid tenant/],
    [`${key}:%20`, /not a valid tenant/],
    [`${key}:`, /not a valid tenant/],
    [`with space ${key}`, /printable/],
  ])('%j is refused without being shown', (item, problem) => {
    const parsed = parseApiKeys(['x'.repeat(16), item]);
    if (parsed.ok) throw new Error('was taken');
    expect(parsed.problem).toMatch(problem);
    expect(parsed.problem).toMatch(/^entry 2/);
    expect(parsed.problem).not.toContain(key);
  });

  test('only a known key authenticates, and the caller holds no secret', () => {
    const ring = createKeyRing([{ key, tenantId: 'acme' }]);
    expect(ring.authenticate(key)?.tenants).toEqual(['acme']);
    expect(JSON.stringify(ring.authenticate(key))).not.toContain(key);
    expect(ring.authenticate(`${key} `)).toBeUndefined();
    expect(ring.authenticate('')).toBeUndefined();
  });

  test('without keys nobody gets in', () => {
    expect(createKeyRing([]).authenticate('anything-at-all-here')).toBeUndefined();
  });
});
