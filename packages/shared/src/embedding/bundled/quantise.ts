/** A matrix in 8-bit integers and the scales that bring it back: `value ~ integer x scale`. */
export interface QuantisedMatrix {
  readonly integers: Int8Array;
  readonly scales: Float32Array;
}

/**
 * Largest integer of a quantised weight: 7 bits, not 8, since on x86 without VNNI the unsigned x signed
 * product of two 8-bit pairs saturates at 16 bits.
 * Source: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html (reduce_range)
 */
const weightLimit = 63;
const rowLimit = 127;

function rowsOf(matrix: Float32Array, columns: number): Float32Array[] {
  return Array.from({ length: matrix.length / columns }, (_, row) =>
    matrix.subarray(row * columns, (row + 1) * columns),
  );
}

/** Symmetric quantisation of a row-major matrix with one scale per column, for MatMulInteger. */
export function quantiseColumns(matrix: Float32Array, columns: number): QuantisedMatrix {
  const rows = rowsOf(matrix, columns);
  const scales = new Float32Array(columns);
  for (const row of rows) {
    row.forEach((value, column) => {
      scales[column] = Math.max(scales[column] ?? 0, Math.abs(value));
    });
  }
  scales.forEach((largest, column) => {
    scales[column] = largest / weightLimit || 1;
  });
  const integers = new Int8Array(matrix.length);
  rows.forEach((row, rowNumber) => {
    row.forEach((value, column) => {
      integers[rowNumber * columns + column] = Math.round(value / (scales[column] ?? 1));
    });
  });
  return { integers, scales };
}

/** Symmetric quantisation with one scale per row, for an embedding table: nothing is multiplied in integers. */
export function quantiseRows(matrix: Float32Array, columns: number): QuantisedMatrix {
  const rows = rowsOf(matrix, columns);
  const scales = new Float32Array(rows.length);
  const integers = new Int8Array(matrix.length);
  rows.forEach((row, rowNumber) => {
    const largest = row.reduce((known, value) => Math.max(known, Math.abs(value)), 0);
    const scale = Math.fround(largest / rowLimit) || 1;
    scales[rowNumber] = scale;
    row.forEach((value, column) => {
      integers[rowNumber * columns + column] = Math.round(value / scale);
    });
  });
  return { integers, scales };
}
