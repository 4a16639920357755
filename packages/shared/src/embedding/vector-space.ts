import { normalise } from './vector.ts';

/** Texts that a model was trained to see before a query and before a stored text; an empty one is none. */
export interface Prefixes {
  readonly query: string;
  readonly passage: string;
}

export const noPrefixes: Prefixes = { query: '', passage: '' };

/** How the vectors of a text's tokens become one: their mean, or the vector of the first token. */
export type Pooling = 'mean' | 'cls';

/**
 * The `modelId` of an embedder: the model's name, with whatever else decides which vectors can be compared. A model
 * that is used without prefixes and by the mean has its bare name. The dimension stands beside it in a generation.
 */
export function vectorSpaceId(
  name: string,
  { prefixes = noPrefixes, pooling = 'mean' }: { readonly prefixes?: Prefixes; readonly pooling?: Pooling },
): string {
  const parts = [
    ...(pooling === 'mean' ? [] : [`pooling ${pooling}`]),
    ...(prefixes.query === '' ? [] : [`query ${JSON.stringify(prefixes.query)}`]),
    ...(prefixes.passage === '' ? [] : [`passage ${JSON.stringify(prefixes.passage)}`]),
  ];
  return parts.length === 0 ? name : `${name}${opening}${parts.join(', ')}]`;
}

/** The model's name in a {@link vectorSpaceId}. */
export function modelNameOf(modelId: string): string {
  const end = modelId.indexOf(opening);
  return end === -1 ? modelId : modelId.slice(0, end);
}

const opening = ' [';

/** How vectors that are longer than wanted are cut. */
export interface Truncation {
  /** Least dimension that the model was trained to be cut to; undefined when it was not, or nobody knows. */
  readonly trainedFrom?: number | undefined;
  /** Whether the mean of the components is subtracted first, as the model's card says. */
  readonly centred?: boolean | undefined;
}

/**
 * The first `dimension` components of a vector, of length one again. A vector that is not longer comes back as it is:
 * whether it has the right length is for others to check.
 *
 * Source: A. Kusupati et al., "Matryoshka Representation Learning", arXiv:2205.13147. The centring is the layer
 * normalisation of https://huggingface.co/nomic-ai/nomic-embed-text-v1.5, less its scale, which the new length undoes.
 */
export function truncate(vector: Float32Array, dimension: number, { centred = false }: Truncation = {}): Float32Array {
  if (vector.length <= dimension) return vector;
  const mean = centred ? vector.reduce((sum, value) => sum + value, 0) / vector.length : 0;
  return normalise(vector.subarray(0, dimension).map((value) => value - mean));
}

/** What to say of vectors that are cut to a length that the model was not trained for; undefined when it was. */
export function truncationWarning(
  name: string,
  { own, dimension, truncation }: { readonly own: number; readonly dimension: number; readonly truncation: Truncation },
): string | undefined {
  const { trainedFrom } = truncation;
  if (dimension >= own || (trainedFrom !== undefined && dimension >= trainedFrom)) return undefined;
  const known =
    trainedFrom === undefined
      ? 'is not known to be trained for that'
      : `was trained to be cut to ${trainedFrom} or more`;
  return `MEMORY_EMBEDDING_DIMENSIONS: vectors of ${own} dimensions are cut to ${dimension}, but ${name} ${known}`;
}
