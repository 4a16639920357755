import { describe, expect, test } from 'vitest';
import { assertVectors } from './embedder-checks.ts';

const good = Float32Array.of(0.6, 0.8, 0);

describe('assertVectors', () => {
  test('accepts vectors of the right count and dimension', () => {
    expect(() => assertVectors([good, good], 2, 3)).not.toThrow();
    expect(() => assertVectors([], 0, 3)).not.toThrow();
  });

  test.each([
    ['a missing vector', [good], '1 vectors for 2 texts'],
    ['a vector too many', [good, good, good], '3 vectors for 2 texts'],
    ['a short vector', [good, Float32Array.of(1, 0)], 'Vector 1 of 2 has 2 dimensions, not 3'],
    ['a long vector', [Float32Array.of(1, 0, 0, 0), good], 'Vector 0 of 2 has 4 dimensions, not 3'],
    ['NaN', [good, Float32Array.of(0, Number.NaN, 1)], 'not finite'],
    ['infinity', [good, Float32Array.of(0, -Infinity, 1)], 'not finite'],
    ['a zero vector', [good, new Float32Array(3)], 'is zero'],
  ])('rejects %s', (_, vectors, problem) => {
    expect(() => assertVectors(vectors, 2, 3)).toThrow(
      expect.objectContaining({ code: 'embedding_rejected', message: expect.stringContaining(problem) }),
    );
  });
});
