import { AppError } from '../errors/app-error.ts';
import { norm } from './vector.ts';

/** A text as messages of errors show it: its place, never its content. */
function place(index: number, count: number): string {
  return count === 1 ? 'The text' : `Text ${index} of ${count}`;
}

/**
 * A blank text has no meaning to embed (mean pooling over nothing gives NaN), so it is refused before inference.
 *
 * @throws AppError `embedding_rejected` naming the first blank text by its place.
 */
export function assertTexts(texts: readonly string[]): void {
  const blank = texts.findIndex((text) => text.trim() === '');
  if (blank === -1) return;
  throw new AppError('embedding_rejected', `${place(blank, texts.length)} is blank: nothing to embed.`);
}

/**
 * What every adapter's output goes through: nothing is padded, cut or stored that is not a vector of this model.
 *
 * @throws AppError `embedding_rejected` when the count or a dimension is wrong, or a vector is not finite or is zero.
 */
export function assertVectors(vectors: readonly Float32Array[], count: number, dimension: number): void {
  if (vectors.length !== count) {
    throw new AppError('embedding_rejected', `The embedder answered ${vectors.length} vectors for ${count} texts.`);
  }
  vectors.forEach((vector, index) => {
    const problem = problemOf(vector, dimension);
    if (problem) throw new AppError('embedding_rejected', `Vector ${index} of ${count} ${problem}.`);
  });
}

function problemOf(vector: Float32Array, dimension: number): string | undefined {
  if (vector.length !== dimension) return `has ${vector.length} dimensions, not ${dimension}`;
  // One sum is enough: it is NaN or infinite as soon as one component is.
  const length = norm(vector);
  if (!Number.isFinite(length)) return 'has components that are not finite numbers';
  return length === 0 ? 'is zero' : undefined;
}
