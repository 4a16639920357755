import type { ScoreBreakdown, SearchMode } from './search.ts';

/** How much each part counts. Normalised by their sum. */
export interface RankingWeights {
  readonly relevance: number;
  readonly importance: number;
  readonly decay: number;
}

export interface RankingOptions {
  readonly mode: SearchMode;
  readonly weights: RankingWeights;
  readonly halfLifeDays: number;
  readonly now: Date;
}

/** A message that may become a hit, with its raw scores. */
export interface Candidate {
  readonly id: string;
  /** Cosine similarity to the centred query; undefined while the message has no vector. */
  readonly vectorScore: number | undefined;
  /** Rank of its words, 0 when none match. */
  readonly lexicalScore: number;
  readonly importance: number;
  readonly createdAt: Date;
  /** False for a neighbour that gives evidence but does not pass the filter. */
  readonly eligible: boolean;
}

/** Two messages that follow one another in a conversation. */
export interface Adjacency {
  readonly earlierId: string;
  readonly laterId: string;
}

export interface RankedCandidate {
  readonly id: string;
  readonly score: number;
  readonly breakdown: Omit<ScoreBreakdown, 'similarity'>;
}

export const defaultWeights: RankingWeights = { relevance: 0.6, importance: 0.3, decay: 0.1 };

// A turn's neighbours are evidence for it; at this share of their own score. Measured by bench/retrieval.
const contextShare = 0.3;
const dayMs = 86_400_000;

/** Half-life decay: 1 now, 1/2 after `halfLifeDays`. What lies in the future counts as now. */
export function decayOf(createdAt: Date, now: Date, halfLifeDays: number): number {
  const ageDays = Math.max(0, now.getTime() - createdAt.getTime()) / dayMs;
  return 0.5 ** (ageDays / halfLifeDays);
}

/**
 * Scores fused, not ranks: each side is scaled to 0..1 over this query's candidates, the sides are averaged,
 * the neighbours' share is added, and relevance, importance and decay are weighted. Best first; ties by id.
 */
export function rank(
  candidates: readonly Candidate[],
  adjacency: readonly Adjacency[],
  options: RankingOptions,
): RankedCandidate[] {
  const own = fuseSides(candidates, options.mode);
  const context = spreadContext(own, adjacency);
  const weightSum = options.weights.relevance + options.weights.importance + options.weights.decay;
  return candidates
    .filter((candidate) => candidate.eligible)
    .map((candidate) => {
      const sides = own.get(candidate.id) ?? { vector: 0, lexical: 0, fused: 0 };
      const near = context.get(candidate.id) ?? 0;
      const relevance = (sides.fused + contextShare * near) / (1 + contextShare);
      const decay = decayOf(candidate.createdAt, options.now, options.halfLifeDays);
      const { weights } = options;
      const score =
        (weights.relevance * relevance + weights.importance * candidate.importance + weights.decay * decay) / weightSum;
      const breakdown = {
        vector: sides.vector,
        lexical: sides.lexical,
        context: near,
        relevance,
        importance: candidate.importance,
        decay,
      };
      return { id: candidate.id, score, breakdown };
    })
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

interface Sides {
  readonly vector: number;
  readonly lexical: number;
  readonly fused: number;
}

/** Each candidate's two sides scaled to 0..1 and their mean, or the one side that the mode asks for. */
export function fuseSides(candidates: readonly Candidate[], mode: SearchMode): Map<string, Sides> {
  const scaleVector = minMax(candidates.map((candidate) => candidate.vectorScore));
  const scaleLexical = minMax(candidates.map((candidate) => candidate.lexicalScore));
  return new Map(
    candidates.map((candidate) => {
      const vector = mode === 'lexical' ? 0 : scaleVector(candidate.vectorScore);
      const lexical = mode === 'vector' ? 0 : scaleLexical(candidate.lexicalScore);
      const fused = mode === 'hybrid' ? (vector + lexical) / 2 : vector + lexical;
      return [candidate.id, { vector, lexical, fused }] as const;
    }),
  );
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

/** The mean of the neighbours' own scores; a missing neighbour says nothing. */
function spreadContext(own: ReadonlyMap<string, Sides>, adjacency: readonly Adjacency[]): Map<string, number> {
  const context = new Map<string, number>();
  const add = (id: string, fromId: string) =>
    context.set(id, (context.get(id) ?? 0) + (own.get(fromId)?.fused ?? 0) / 2);
  for (const { earlierId, laterId } of adjacency) {
    add(earlierId, laterId);
    add(laterId, earlierId);
  }
  return context;
}
