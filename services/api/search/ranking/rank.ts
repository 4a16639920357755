import type { ScoreBreakdown, SearchMode } from '../search.ts';
import { matchesItself, type Candidate, type MatchOptions } from './candidate.ts';
import { decayOf, type DecayOptions } from './decay.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import { relevanceOf, type RelevanceOptions } from './relevance.ts';

export interface RankingOptions extends RelevanceOptions, MatchOptions {
  readonly mode: SearchMode;
  readonly decay: DecayOptions;
  /** Decay is reckoned up to this moment. */
  readonly now: Date;
  /** Hits have at least this score. */
  readonly scoreMin: number | undefined;
  /** 0 to 1; counts in what follows the ranking. */
  readonly diversity: number;
}

export interface RankedCandidate {
  readonly id: string;
  readonly score: number;
  readonly breakdown: Omit<ScoreBreakdown, 'similarity'>;
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
  const { weights, scoreMin } = options;
  const relevances = relevanceOf(candidates, neighbourhood, options);
  const weightSum = weights.relevance + weights.importance + weights.decay;
  const hits = candidates.filter((candidate) => candidate.eligible && matchesItself(candidate, options));
  const best = Math.max(0, ...hits.map(({ id }) => relevances.get(id)?.relevance ?? 0));
  return hits
    .flatMap((candidate) => {
      const found = relevances.get(candidate.id);
      if (found === undefined) return [];
      const relevance = best > 0 ? found.relevance / best : 0;
      const { importance } = candidate;
      const decay = decayOf(candidate.createdAt, options.now, options.decay);
      const weighted = weights.relevance * relevance + weights.importance * importance + weights.decay * decay;
      return { id: candidate.id, score: weighted / weightSum, breakdown: { ...found, relevance, importance, decay } };
    })
    .filter((candidate) => scoreMin === undefined || candidate.score >= scoreMin)
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}
