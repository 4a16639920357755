import type { SearchDefaults } from '@memory-layer/shared/embedding/known-models';
import { list } from '@memory-layer/shared/config/env-fields';
import { invalidField, type RankingWeights, type SearchRequest } from '../query/search-request.ts';
import type { RankingOptions } from './rank.ts';

/** What the configuration says, where a request says nothing. */
export interface RankingDefaults {
  readonly weights: RankingWeights;
  readonly halfLifeDays: number;
}

// Those of the relevance were chosen by bench/retrieval: see docs/adr/0023-ranking-that-adapts.md.
export const defaultWeights: RankingWeights = {
  relevance: 0.6,
  importance: 0.3,
  decay: 0.1,
  vector: 0.55,
  lexical: 0.45,
  speaker: 0.2,
  length: 0.15,
  role: 0.05,
  recency: 0.15,
  session: 0.1,
  context: 1,
  date: 1,
  time: 1,
  echo: 1,
};

const pattern = /^([a-z]+)=(\d+(?:\.\d+)?)$/;
const greatest = 1000;

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

/** Weights as `name=number`, separated by commas; those that are not named stay as they are by default. */
export const weightsFromEnv = list.default([]).transform((items, context): RankingWeights => {
  const weights: Record<keyof RankingWeights, number> = { ...defaultWeights };
  const refuse = (message: string) => context.addIssue({ code: 'custom', message });
  for (const item of items) {
    const [, name = '', text = ''] = pattern.exec(item) ?? [];
    const value = Number(text);
    if (isPart(name) && value <= greatest) weights[name] = value;
    else refuse(`must be NAME=0 to ${greatest}, with ${Object.keys(weights).join(', ')}`);
  }
  const problem = weightsProblem(weights);
  if (problem !== undefined) refuse(problem);
  return weights;
});

function isPart(name: string): name is keyof RankingWeights {
  return Object.hasOwn(defaultWeights, name);
}

/** How a request is ranked. @throws AppError `invalid_request` when its weights leave nothing to rank by. */
export function chooseRanking(
  { ranking, source }: Pick<SearchRequest, 'ranking' | 'source'>,
  defaults: RankingDefaults,
  model: Pick<SearchDefaults, 'vectorWeight'> = {},
): Omit<RankingOptions, 'mode' | 'now' | 'terms' | 'form' | 'readableShare' | 'isWordless' | 'time' | 'echoes'> {
  const { weights: chosen } = ranking;
  // A model's own weight stands where nobody has chosen one.
  const isChosen = defaults.weights.vector !== defaultWeights.vector;
  const vector = isChosen ? defaults.weights.vector : (model.vectorWeight ?? defaults.weights.vector);
  const weights: RankingWeights = { ...defaults.weights, vector, ...withoutUndefined(chosen) };
  const problem = weightsProblem(weights);
  if (problem !== undefined) throw invalidField(source, 'weights', problem);
  return {
    weights,
    roleWeights: ranking.roleWeights,
    decay: { mode: ranking.decayMode, halfLifeDays: ranking.halfLifeDays ?? defaults.halfLifeDays },
    scoreMin: ranking.scoreMin,
    minConfidence: ranking.minConfidence,
    diversity: ranking.diversity,
  };
}

function withoutUndefined(chosen: SearchRequest['ranking']['weights']): Partial<RankingWeights> {
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
}
