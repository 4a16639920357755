import type { Embedder } from '../embedder.ts';
import { normalise } from '../vector.ts';
import { genericQuestions } from './generic-questions.ts';

/**
 * What all questions have in common in a model's space: the mean of the query vectors of some general questions, not
 * normalised. Sentence models put questions into one corner, far from the statements that answer them; subtracting
 * that corner from a query ({@link centreQuery}) lets the rest of its meaning decide.
 *
 * A constant of an embedding generation: compute it once and keep it.
 *
 * Source of the idea: J. Mu, P. Viswanath, "All-but-the-Top", arXiv:1702.01417 (subtracting the common mean).
 *
 * @throws AppError as {@link Embedder.embed} does.
 */
export async function computeQueryCentre(embedder: Embedder): Promise<Float32Array> {
  const vectors = await embedder.embed(genericQuestions, { kind: 'query' });
  const sum = new Float64Array(embedder.dimension);
  for (const vector of vectors) {
    vector.forEach((value, index) => {
      sum[index] = (sum[index] ?? 0) + value;
    });
  }
  return Float32Array.from(sum, (value) => value / vectors.length);
}

/**
 * A query vector with the centre taken out, of length one again. A query that is exactly the centre keeps its own
 * direction: nothing else is left of it.
 *
 * @throws Error when the dimensions differ.
 */
export function centreQuery(vector: Float32Array, centre: Float32Array): Float32Array {
  if (vector.length !== centre.length) {
    throw new Error(`a query of ${vector.length} dimensions cannot be centred by ${centre.length}`);
  }
  const moved = normalise(vector.map((value, index) => value - (centre[index] ?? 0)));
  return moved.some((value) => value !== 0) ? moved : normalise(vector);
}
