import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { centreQuery } from '@memory-layer/shared/embedding/query-centre/query-centre';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';

/** A query as the model sees it, and the form that is compared with messages for ranking. */
export interface QueryVector {
  /** As the model gives it, length 1. */
  readonly plain: Float32Array;
  /** Less what all questions have in common. */
  readonly centred: Float32Array;
}

/**
 * Embeds a query. One that is longer than the model's window is embedded in passages, and their mean is
 * taken, so that none of it is lost.
 *
 * @throws AppError `embedding_unavailable` or `embedding_rejected`.
 */
export async function embedQuery(
  query: string,
  deps: { readonly embedder: Embedder; readonly generations: GenerationService; readonly signal: AbortSignal },
): Promise<QueryVector> {
  const passages = await deps.embedder.split(query);
  const vectors = await deps.embedder.embed(passages, { kind: 'query', signal: deps.signal });
  const plain = meanDirection(vectors, deps.embedder.dimension);
  return { plain, centred: centreQuery(plain, await deps.generations.getQueryCentre()) };
}

function meanDirection(vectors: readonly Float32Array[], dimension: number): Float32Array {
  const [first] = vectors;
  if (vectors.length === 1 && first !== undefined) return first;
  const sum = new Float32Array(dimension);
  for (const vector of vectors) for (const [index, value] of vector.entries()) sum[index] = (sum[index] ?? 0) + value;
  const length = Math.hypot(...sum);
  return length === 0 ? sum : sum.map((value) => value / length);
}
