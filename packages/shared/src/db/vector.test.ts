import { expect, test } from 'vitest';
import { rememberVectorLiteral, toVectorLiteral } from './vector.ts';

test('a vector is written as pgvector reads it', () => {
  expect(toVectorLiteral(Float32Array.of(1, -0.5, 0))).toBe('[1,-0.5,0]');
});

test('a remembered literal is shorter, says the same to what a halfvec keeps, and belongs to its vector alone', () => {
  const vector = Float32Array.from({ length: 512 }, (_, index) => Math.sin(index + 1) / 20);
  const written = toVectorLiteral(vector);
  const bytes = rememberVectorLiteral(vector);
  const literal = toVectorLiteral(vector);
  expect(literal).toHaveLength(bytes);
  expect(bytes).toBeLessThan(written.length * 0.7);
  const numbers: unknown = JSON.parse(literal);
  if (!Array.isArray(numbers)) throw new TypeError('no list');
  const off = vector.map((value, index) => Math.abs(Number(numbers[index]) / value - 1));
  expect(Math.max(...off)).toBeLessThan(1e-5);
  expect(toVectorLiteral(vector.slice())).toBe(written);
});

test('numbers too small for a plain decimal are still numbers', () => {
  const vector = Float32Array.of(1e-9, 1);
  rememberVectorLiteral(vector);
  expect(toVectorLiteral(vector)).toBe('[1e-9,1]');
});
