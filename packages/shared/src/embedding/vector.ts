/** Length (Euclidean norm) of a vector. */
export function norm(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

/** A copy of length one. A zero vector has no direction and comes back as zeros. */
export function normalise(vector: Float32Array): Float32Array {
  const length = norm(vector);
  return length === 0 ? vector.slice() : vector.map((value) => value / length);
}

/** Dot product of two vectors of one dimension: the cosine similarity, when both have length one. */
export function dot(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}
