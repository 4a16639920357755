import { describe, expect, test } from 'vitest';
import { bytesField, floatField, intField, message, stringField } from './protobuf.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('protobuf wire format', () => {
  // The first two are the worked examples of https://protobuf.dev/programming-guides/encoding/
  test('writes the documented examples', () => {
    expect(hex(intField(1, 150))).toBe('089601');
    expect(hex(stringField(2, 'testing'))).toBe('120774657374696e67');
  });

  test('writes zero, large and negative integers', () => {
    expect(hex(intField(1, 0))).toBe('0800');
    expect(hex(intField(3, 8002))).toBe('18c23e');
    expect(hex(intField(1, -1))).toBe('08ffffffffffffffffff01');
  });

  test('writes fields above number 15 with a two-byte tag', () => {
    expect(hex(intField(20, 7))).toBe('a00107');
  });

  test('writes floats little-endian and nests messages', () => {
    expect(hex(floatField(2, 1))).toBe('150000803f');
    expect(hex(bytesField(5, message(intField(1, 1), intField(2, 2))))).toBe('2a0408011002');
  });
});
