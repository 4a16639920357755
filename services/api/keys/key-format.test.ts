import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashSecret, makeKey, parseKey } from './key-format.ts';

describe('security: the text of a key', () => {
  test('is read as it was made, and no two are alike', () => {
    const keys = Array.from({ length: 100 }, () => makeKey());
    expect(new Set(keys.map(({ text }) => text)).size).toBe(100);
    expect(keys.map(({ text }) => parseKey(text))).toEqual(keys.map(({ keyId, secret }) => ({ keyId, secret })));
  });

  test('has a secret of its own when the same key is rotated', () => {
    const key = makeKey();
    const rotated = makeKey(key.keyId);
    expect(rotated.keyId).toBe(key.keyId);
    expect(hashSecret(rotated.secret)).not.toEqual(hashSecret(key.secret));
  });

  test('is recognised by its shape: a prefix, and a CRC-32 in base 62 at its end', () => {
    const { text } = makeKey();
    expect(text).toMatch(/^mlk_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}$/);
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const value = Array.from(text.slice(-6)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
    expect(value).toBe(crc32(text.slice(0, -6)));
  });

  test('with one character changed, swapped, left out or added is none', () => {
    const { text } = makeKey();
    const places = fc.integer({ min: 0, max: text.length - 1 });
    const changed = fc
      .tuple(places, fc.constantFrom('0', 'Z', 'z', '_'))
      .map(([at, by]) => text.slice(0, at) + by + text.slice(at + 1));
    const shorter = places.map((at) => text.slice(0, at) + text.slice(at + 1));
    const longer = fc
      .tuple(places, fc.constantFrom('0', 'Z', 'z', '_', ' '))
      .map(([at, by]) => text.slice(0, at) + by + text.slice(at));
    fc.assert(
      fc.property(fc.oneof(changed, shorter, longer), (other) => other === text || parseKey(other) === undefined),
      { numRuns: 2000 },
    );
  });

  test.each(['', 'mlk_', 'a-key-of-good-length', `mlk_${'0'.repeat(16)}_${'0'.repeat(38)}`, 'x'.repeat(100_000)])(
    '%j is none',
    (text) => {
      expect(parseKey(text)).toBeUndefined();
    },
  );
});
