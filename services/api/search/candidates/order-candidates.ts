import type { CandidateReader } from '../candidate-reader.ts';
import type { Candidate } from '../ranking/candidate.ts';
import { diversify } from '../ranking/diversity.ts';
import { rank, type RankedCandidate, type RankingOptions } from '../ranking/rank.ts';
import { ownRelevance } from '../ranking/relevance.ts';
import type { CandidateQuery } from './candidate-query.ts';

// Neighbours are read for the best candidates only: far-off ones do not become hits by their context. As many for every
// page, so that pages are in the order of one.
const contextCandidates = 25;
// The best that are chosen among for diversity: each is compared with each that was chosen.
const diverseCandidates = 100;

/**
 * All that may be shown, best first: unlike one another, if that is asked for.
 * @param count hits that will be shown, those of earlier pages included
 */
export function orderCandidates(
  readCandidates: CandidateReader,
  query: CandidateQuery,
  options: RankingOptions,
  count: number,
): Promise<RankedCandidate[]> {
  return readCandidates(async (candidates) => {
    const found = await candidates.findCandidates(query);
    const best = mostPromising(found, options);
    const around = await candidates.findNeighbourhood(query, best);
    const ranked = rank(withoutRepeats([...found, ...around.candidates]), around.neighbourhood, options);
    const { diversity } = options;
    if (diversity === 0 || ranked.length < 2) return ranked;
    const compared = ranked.slice(0, diverseCandidates);
    const vectors = await candidates.listMeanVectors({ ...query, ids: compared.map((candidate) => candidate.id) });
    return [...diversify(compared, vectors, { diversity, count }), ...ranked.slice(diverseCandidates)];
  });
}

function mostPromising(candidates: readonly Candidate[], options: RankingOptions): string[] {
  if (options.weights.context === 0) return [];
  return (
    [...ownRelevance(candidates, options)]
      // Ties by id, since rows come in any order: pages choose the same.
      .toSorted(([id, a], [otherId, b]) => b - a || (id < otherId ? -1 : 1))
      .slice(0, contextCandidates)
      .map(([id]) => id)
  );
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()];
}
