import type { SearchMode } from '../query/search-request.ts';
import { matchesItself, type Candidate, type MatchOptions } from './candidate.ts';
import type { Neighbourhood } from './context.ts';
import { decayOf } from './priors.ts';
import { relevanceOf, type Relevance, type RelevanceOptions } from './relevance.ts';

export interface RankingOptions extends RelevanceOptions, MatchOptions {
  readonly mode: SearchMode;
  /** Hits have at least this score. */
  readonly scoreMin: number | undefined;
  /** Hits have at least this confidence. */
  readonly minConfidence: number | undefined;
  /** 0 to 1; counts in what follows the ranking. */
  readonly diversity: number;
}

/** What made a hit's score; docs/ranking.md has the formula. */
export interface ScoreBreakdown extends Relevance {
  readonly importance: number;
  readonly decay: number;
  /** What counts in place of the relevance: the reranker's score. */
  readonly rerank?: number;
}

export interface RankedCandidate {
  readonly id: string;
  readonly conversationId: string;
  readonly score: number;
  readonly breakdown: ScoreBreakdown;
}

/**
 * The candidates that may be hits, best first; ties by id. Relevance as a share of the best one's, importance and decay
 * are weighted. A hit has to match by itself: what stands around it lifts it, but does not make it one.
 */
export function rank(
  candidates: readonly Candidate[],
  neighbourhood: Neighbourhood,
  options: RankingOptions,
): RankedCandidate[] {
  const { weights, scoreMin, minConfidence = 0 } = options;
  const relevances = relevanceOf(candidates, neighbourhood, options);
  const weightSum = weights.relevance + weights.importance + weights.decay;
  const hits = candidates.filter((candidate) => candidate.eligible && matchesItself(candidate, options));
  const best = Math.max(0, ...hits.map(({ id }) => relevances.get(id)?.relevance ?? 0));
  return hits
    .flatMap((candidate) => {
      const found = relevances.get(candidate.id);
      if (found === undefined || found.confidence < minConfidence) return [];
      const relevance = best > 0 ? found.relevance / best : 0;
      const { importance } = candidate;
      const decay = decayOf(candidate.createdAt, options.now, options.decay);
      const weighted = weights.relevance * relevance + weights.importance * importance + weights.decay * decay;
      const { id, conversationId } = candidate;
      const breakdown = { ...found, relevance, importance, decay };
      return { id, conversationId, score: weighted / weightSum, breakdown };
    })
    .filter((candidate) => scoreMin === undefined || candidate.score >= scoreMin)
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}
