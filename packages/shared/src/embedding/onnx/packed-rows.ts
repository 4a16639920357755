/** Rows of numbers end to end: one buffer crosses between threads, handed over instead of copied. */
export interface Packed<Values> {
  readonly values: Values;
  readonly lengths: Int32Array<ArrayBuffer>;
}

/** Token ids of several texts. */
export type PackedRows = Packed<Int32Array<ArrayBuffer>>;

/** Vectors of several texts. */
export type PackedVectors = Packed<Float32Array<ArrayBuffer>>;

export function packRows(rows: readonly Int32Array[]): PackedRows {
  const lengths = lengthsOf(rows);
  return { values: fill(new Int32Array(sum(lengths)), rows), lengths };
}

export function packVectors(vectors: readonly Float32Array[]): PackedVectors {
  const lengths = lengthsOf(vectors);
  return { values: fill(new Float32Array(sum(lengths)), vectors), lengths };
}

/** Views of the rows, in order; they share one buffer. */
export function unpackRows({ values, lengths }: PackedRows): Int32Array[] {
  return Array.from(
    lengths,
    cutter((from, to) => values.subarray(from, to)),
  );
}

/** Views of the vectors, in order; they share one buffer. */
export function unpackVectors({ values, lengths }: PackedVectors): Float32Array[] {
  return Array.from(
    lengths,
    cutter((from, to) => values.subarray(from, to)),
  );
}

/** What to hand over when it is posted. */
export function buffersOf({ values, lengths }: PackedRows | PackedVectors): ArrayBuffer[] {
  return [values.buffer, lengths.buffer];
}

function cutter<View>(cut: (from: number, to: number) => View): (length: number) => View {
  let from = 0;
  return (length) => cut(from, (from += length));
}

function lengthsOf(rows: readonly { readonly length: number }[]): Int32Array<ArrayBuffer> {
  return Int32Array.from(rows, (row) => row.length);
}

function sum(lengths: Int32Array): number {
  return lengths.reduce((total, length) => total + length, 0);
}

function fill<Values extends Int32Array | Float32Array>(values: Values, rows: readonly ArrayLike<number>[]): Values {
  let at = 0;
  for (const row of rows) {
    values.set(row, at);
    at += row.length;
  }
  return values;
}
