import { describe, expect, test } from 'vitest';
import { createKeyRing, parseApiKeys } from './auth.ts';

const key = 'a-key-of-good-length';

describe('security: API keys', () => {
  test('a bound and an unbound key are told apart', () => {
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
    ['short', /at least 16/],
    [`${key}:acme:more`, /must be/],
    [`${key}:not a tenant`, /not a valid tenant/],
    [`${key}:`, /not a valid tenant/],
    [`with space ${key}`, /printable/],
  ])('%j is refused without being shown', (item, problem) => {
    const parsed = parseApiKeys(['x'.repeat(16), item]);
    if (parsed.ok) throw new Error('was taken');
    expect(parsed.problem).toMatch(problem);
    expect(parsed.problem).toMatch(/^entry 2/);
    expect(parsed.problem).not.toContain(key);
  });

  test('only a known key authenticates, and the credential holds no secret', () => {
    const ring = createKeyRing([{ key, tenantId: 'acme' }]);
    expect(ring.authenticate(key)?.tenantId).toBe('acme');
    expect(JSON.stringify(ring.authenticate(key))).not.toContain(key);
    expect(ring.authenticate(`${key} `)).toBeUndefined();
    expect(ring.authenticate('')).toBeUndefined();
  });

  test('without keys nobody gets in', () => {
    expect(createKeyRing([]).authenticate('anything-at-all-here')).toBeUndefined();
  });
});
