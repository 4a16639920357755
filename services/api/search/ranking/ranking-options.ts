import { invalidField } from '../invalid-field.ts';
import type { SearchRequest } from '../search.ts';
import type { RankingOptions } from './rank.ts';
import { weightsProblem, type RankingWeights } from './weights.ts';

/** What the configuration says, where a request says nothing. */
export interface RankingDefaults {
  readonly weights: RankingWeights;
  readonly halfLifeDays: number;
}

/** How a request is ranked. @throws AppError `invalid_request` when its weights leave nothing to rank by. */
export function chooseRanking(
  { ranking, source }: SearchRequest,
  defaults: RankingDefaults,
): Omit<RankingOptions, 'mode' | 'now' | 'terms' | 'queryWords' | 'isWordless'> {
  const { weights: chosen } = ranking;
  const weights: RankingWeights = { ...defaults.weights, ...withoutUndefined(chosen) };
  const problem = weightsProblem(weights);
  if (problem !== undefined) throw invalidField(source, 'weights', problem);
  return {
    weights,
    decay: { mode: ranking.decayMode, halfLifeDays: ranking.halfLifeDays ?? defaults.halfLifeDays },
    scoreMin: ranking.scoreMin,
    diversity: ranking.diversity,
  };
}

function withoutUndefined(chosen: SearchRequest['ranking']['weights']): Partial<RankingWeights> {
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
}
