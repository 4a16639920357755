import type { CandidateReader } from '../candidate-reader.ts';
import type { Candidate } from '../ranking/candidate.ts';
import { diversify } from '../ranking/diversity.ts';
import { rank, type RankedCandidate, type RankingOptions } from '../ranking/rank.ts';
import { ownRelevance } from '../ranking/relevance.ts';
import type { CandidateQuery } from './candidate-query.ts';

// The best that are chosen among for diversity: each is compared with each that was chosen.
const diverseCandidates = 100;

export interface OrderOptions extends RankingOptions {
  /** How many of the best candidates are ranked together with what stands around them. */
  readonly neighbourhoods: number;
  /** Hits that will be shown, those of earlier pages included. */
  readonly count: number;
}

/** All that may be shown, best first: unlike one another, if that is asked for. */
export function orderCandidates(
  readCandidates: CandidateReader,
  query: CandidateQuery,
  options: OrderOptions,
): Promise<RankedCandidate[]> {
  return readCandidates(async (candidates) => {
    const found = await candidates.findCandidates(query);
    const best = mostPromising(found, options);
    const around = await candidates.findNeighbourhood(query, best);
    const ranked = rank(withoutRepeats([...found, ...around.candidates]), around.neighbourhood, options);
    const { diversity, count } = options;
    if (diversity === 0 || ranked.length < 2) return ranked;
    const compared = ranked.slice(0, diverseCandidates);
    const vectors = await candidates.listMeanVectors({ ...query, ids: compared.map((candidate) => candidate.id) });
    return [...diversify(compared, vectors, { diversity, count }), ...ranked.slice(diverseCandidates)];
  });
}

function mostPromising(candidates: readonly Candidate[], options: OrderOptions): string[] {
  if (options.weights.context === 0) return [];
  return (
    [...ownRelevance(candidates, options)]
      // Ties by id, since rows come in any order: pages choose the same.
      .toSorted(([id, a], [otherId, b]) => b - a || (id < otherId ? -1 : 1))
      .slice(0, options.neighbourhoods)
      .map(([id]) => id)
  );
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()];
}
