import { describe, expect, test } from 'vitest';
import { createKeyRing, parseApiKeys } from './environment-keys.ts';
import { scopes } from '../access/scopes.ts';

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
    [`${key}:acme:more`, /a scope that is none/],
    [`${key}:acme:search+more`, /a scope that is none/],
    [`${key}:acme:`, /a scope that is none/],
    [`${key}::`, /not a valid tenant/],
    [`${key}::search:`, /a scope that is none/],
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

  test('a key of some scopes has these alone, and one without scopes has all', () => {
    const parsed = parseApiKeys([`${key}::metrics`, `${key}-2:acme:messages:read+search`, `${key}-3:acme`]);
    if (!parsed.ok) throw new Error(parsed.problem);
    const ring = createKeyRing(parsed.keys);
    const found = [key, `${key}-2`, `${key}-3`].map((presented) => ring.find(presented));
    expect(found.map((caller) => caller?.tenants)).toEqual(['all', ['acme'], ['acme']]);
    expect(found.map((caller) => [...(caller?.scopes ?? [])])).toEqual([
      ['metrics'],
      ['messages:read', 'search'],
      [...scopes],
    ]);
  });

  test('only a known key authenticates, and the caller holds no secret', () => {
    const ring = createKeyRing([{ key, tenantId: 'acme' }]);
    expect(ring.find(key)?.tenants).toEqual(['acme']);
    expect(JSON.stringify(ring.find(key))).not.toContain(key);
    expect(ring.find(`${key} `)).toBeUndefined();
    expect(ring.find('')).toBeUndefined();
  });

  test('without keys nobody gets in', () => {
    expect(createKeyRing([]).find('anything-at-all-here')).toBeUndefined();
  });
});
