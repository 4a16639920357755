export interface Scored {
  readonly id: string;
  readonly score: number;
}

export interface DiversityOptions {
  /** 0 to 1; 0 keeps the order. */
  readonly diversity: number;
  /** So many are chosen one by one; what is left follows in its own order. */
  readonly count: number;
}

/**
 * Orders what is ranked so that hits differ from those before them: maximal marginal relevance. The next one is
 * always that with the greatest `(1 - diversity) * score - diversity * similarity`, where the score is scaled to
 * 0..1 over what is given and the similarity is the greatest cosine to one already chosen, at least 0.
 *
 * Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking (SIGIR 1998); diversity is 1 - lambda.
 *
 * @param ranked best first.
 * @param vectors by id, of length 1. A message without one counts as unlike all others.
 */
export function diversify<Item extends Scored>(
  ranked: readonly Item[],
  vectors: ReadonlyMap<string, Float32Array>,
  { diversity, count }: DiversityOptions,
): Item[] {
  if (diversity === 0) return [...ranked];
  const scale = minMax(ranked.map((item) => item.score));
  const left = ranked.map((item) => ({ item, vector: vectors.get(item.id), score: scale(item.score), similarity: 0 }));
  const chosen: Item[] = [];
  while (left.length > 0 && chosen.length < count) {
    const margins = left.map((entry) => (1 - diversity) * entry.score - diversity * entry.similarity);
    // The first of equals: they stay in their order.
    const [best] = left.splice(margins.indexOf(Math.max(...margins)), 1);
    if (best === undefined) break;
    chosen.push(best.item);
    for (const entry of left) entry.similarity = Math.max(entry.similarity, cosine(entry.vector, best.vector));
  }
  return [...chosen, ...left.map((entry) => entry.item)];
}

/** Of vectors of length 1. */
function cosine(left: Float32Array | undefined, right: Float32Array | undefined): number {
  if (left === undefined || right === undefined) return 0;
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += (left[index] ?? 0) * (right[index] ?? 0);
  return sum;
}

/** A scale that maps the least value to 0 and the greatest to 1; what is missing, or alone, to 0 and 1. */
function minMax(values: readonly (number | undefined)[]): (value: number | undefined) => number {
  const known = values.filter((value) => value !== undefined);
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return (value) => {
    if (value === undefined) return 0;
    return span > 0 ? (value - least) / span : Number(value > 0);
  };
}
