import { list } from '@memory-layer/shared/config/env-fields';
import { defaultWeights, weightsProblem, type RankingWeights } from './weights.ts';

const pattern = /^([a-z]+)=(\d+(?:\.\d+)?)$/;
const greatest = 1000;

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
