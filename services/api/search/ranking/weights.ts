/**
 * How much each part counts. `relevance`, `importance` and `decay` make the score, normalised by their sum; `vector`,
 * `lexical`, `speaker` and `substance` make the relevance, likewise. `context` and `date` are strengths:
 * what neighbours and dates count, 1 as measured, 0 not at all.
 */
export interface RankingWeights {
  readonly relevance: number;
  readonly importance: number;
  readonly decay: number;
  readonly vector: number;
  readonly lexical: number;
  readonly speaker: number;
  readonly substance: number;
  readonly context: number;
  readonly date: number;
}

// Those of the relevance were chosen by bench/retrieval: see docs/adr/0018-relevance-from-context.md.
export const defaultWeights: RankingWeights = {
  relevance: 0.6,
  importance: 0.3,
  decay: 0.1,
  vector: 0.45,
  lexical: 0.35,
  speaker: 0.1,
  substance: 0.1,
  context: 1,
  date: 1,
};

/** Parts of a score, and what finds a message: of each group at least one has to count. */
const groups = [
  ['relevance', 'importance', 'decay'],
  ['vector', 'lexical'],
] as const satisfies readonly (readonly (keyof RankingWeights)[])[];

/** What is wrong with weights that are each a number of 0 or more; undefined when they can be used. */
export function weightsProblem(weights: RankingWeights): string | undefined {
  const empty = groups.find((names) => names.every((name) => weights[name] === 0));
  return empty === undefined ? undefined : `must not all be 0: ${empty.join(', ')}`;
}
