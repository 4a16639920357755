import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { confidenceOf, type ConfidenceParts } from './confidence.ts';

const nothing: ConfidenceParts = { vector: 0, lexical: 0, speaker: 0, bestVector: 0, bestLexical: 0 };
const parts = Object.keys(nothing) as (keyof ConfidenceParts)[];

describe.each(['hybrid', 'lexical', 'vector'] as const)('the confidence of the mode %s', (mode) => {
  test('is small for what has nothing in common with the query, and great for what has all', () => {
    expect(confidenceOf(mode, nothing)).toBeLessThan(0.03);
    const all = { vector: 1, lexical: 1, speaker: 1, bestVector: 1, bestLexical: 1 };
    expect(confidenceOf(mode, all)).toBeGreaterThan(0.97);
  });

  test('never falls when a part grows', () => {
    const grown = parts.map((part) => confidenceOf(mode, { ...nothing, [part]: 0.5 }));
    expect(Math.min(...grown)).toBeGreaterThanOrEqual(confidenceOf(mode, nothing));
    expect(Math.max(...grown)).toBeGreaterThan(confidenceOf(mode, nothing));
  });
});

test('ignores the side that is not asked', () => {
  const byVector = { ...nothing, vector: 0.5, bestVector: 0.7 };
  const byWords = { ...nothing, lexical: 0.5, bestLexical: 0.7 };
  expect(confidenceOf('lexical', byVector)).toBe(confidenceOf('lexical', nothing));
  expect(confidenceOf('vector', byWords)).toBe(confidenceOf('vector', nothing));
});

test('has the coefficients that docs/ranking.md names', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../../docs/ranking.md'), 'utf8');
  const named =
    /^z = .*$/m
      .exec(text)?.[0]
      .match(/\d+\.\d+/g)
      ?.map(Number) ?? [];
  const values = [0.1, 0.2, 1, 0.3, 0.4, -1];
  expect(named).toHaveLength(values.length);
  const z = named.reduce((sum, coefficient, index) => sum + coefficient * (values[index] ?? 0), 0);
  const found = { vector: 0.1, lexical: 0.2, speaker: 1, bestVector: 0.3, bestLexical: 0.4 };
  expect(confidenceOf('hybrid', found)).toBeCloseTo(1 / (1 + Math.exp(-z)), 10);
});
