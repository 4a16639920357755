import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type QuantisedMatrix, quantiseColumns, quantiseRows } from './quantise.ts';
import { nonEmpty } from '../../testing/non-empty.ts';

const float = fc.integer({ min: -4096, max: 4096 }).map((value) => value / 512);
const matrix = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })).chain(([rows, columns]) =>
  fc.record({
    columns: fc.constant(columns),
    values: fc.array(float, { minLength: rows * columns, maxLength: rows * columns }).map((v) => Float32Array.from(v)),
  }),
);

/** Every value comes back within half a step of its scale. */
function expectClose(
  values: Float32Array,
  { integers, scales }: QuantisedMatrix,
  scaleOf: (index: number) => number,
): void {
  nonEmpty(values).forEach((value, index) => {
    const scale = scales[scaleOf(index)] ?? Number.NaN;
    expect(Math.abs(value - (integers[index] ?? Number.NaN) * scale)).toBeLessThanOrEqual(scale * 0.501);
  });
}

describe('quantisation', () => {
  test('keeps each value within half a step, with one scale per column in 7 bits', () => {
    fc.assert(
      fc.property(matrix, ({ values, columns }) => {
        const quantised = quantiseColumns(values, columns);
        expectClose(values, quantised, (index) => index % columns);
        expect(quantised.integers.every((integer) => Math.abs(integer) <= 63)).toBe(true);
      }),
    );
  });

  test('keeps each value within half a step, with one scale per row', () => {
    fc.assert(
      fc.property(matrix, ({ values, columns }) => {
        expectClose(values, quantiseRows(values, columns), (index) => Math.floor(index / columns));
      }),
    );
  });

  test('gives a column of zeros a harmless scale', () => {
    expect(quantiseColumns(Float32Array.of(0, 2, 0, -2), 2).scales[0]).toBe(1);
  });
});
