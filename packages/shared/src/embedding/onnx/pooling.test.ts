import { describe, expect, test } from 'vitest';
import { clsPool, meanPool } from './pooling.ts';

describe('meanPool', () => {
  test('averages real tokens and leaves padding out', () => {
    const data = Float32Array.of(1, 10, 3, 30, 99, 99, /* row 2 */ 2, 4, 4, 8, 6, 12);
    const pooled = meanPool({ data, tokens: 3, width: 2 }, [2, 3]);
    expect(pooled.map((vector) => [...vector])).toEqual([
      [2, 20],
      [4, 8],
    ]);
  });
});

describe('clsPool', () => {
  test('takes the first token of each row', () => {
    const data = Float32Array.of(1, 10, 3, 30, 99, 99, /* row 2 */ 2, 4, 4, 8, 6, 12);
    expect(clsPool({ data, tokens: 3, width: 2 }, 2).map((vector) => [...vector])).toEqual([
      [1, 10],
      [2, 4],
    ]);
  });
});
