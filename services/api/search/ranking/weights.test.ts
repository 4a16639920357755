import { describe, expect, test } from 'vitest';
import { chooseRanking, defaultWeights, weightsFromEnv, weightsProblem } from './weights.ts';

test('weights that leave nothing to rank by are a problem', () => {
  expect(weightsProblem(defaultWeights)).toBeUndefined();
  expect(weightsProblem({ ...defaultWeights, relevance: 0, importance: 0, decay: 0 })).toContain('relevance');
  expect(weightsProblem({ ...defaultWeights, vector: 0, lexical: 0 })).toContain('vector, lexical');
  expect(weightsProblem({ ...defaultWeights, vector: 0, context: 0, relevance: 0 })).toBeUndefined();
});

test('the weight of vectors is the request’s, else the one that was set, else the model’s', () => {
  const vectorOf = (asked: number | undefined, set: number, model: number | undefined) => {
    const ranking = {
      weights: { vector: asked },
      roleWeights: undefined,
      decayMode: 'none',
      halfLifeDays: undefined,
      scoreMin: undefined,
      minConfidence: undefined,
      similarityMin: undefined,
      diversity: 0,
    } as const;
    const defaults = { weights: { ...defaultWeights, vector: set }, halfLifeDays: 7 };
    const known = model === undefined ? {} : { vectorWeight: model };
    return chooseRanking({ ranking, source: 'body' }, defaults, known).weights.vector;
  };
  const { vector } = defaultWeights;
  expect([vectorOf(2, 3, 4), vectorOf(undefined, 3, 4), vectorOf(undefined, vector, 4)]).toEqual([2, 3, 4]);
  expect(vectorOf(undefined, vector, undefined)).toBe(vector);
});

describe('weights as a setting', () => {
  test.each<[string | undefined, object]>([
    [undefined, {}],
    ['', {}],
    ['decay=0', { decay: 0 }],
    [' relevance=1 , importance=0.25,vector=1000', { relevance: 1, importance: 0.25, vector: 1000 }],
  ])('%j', (text, changed) => {
    expect(weightsFromEnv.parse(text)).toEqual({ ...defaultWeights, ...changed });
  });

  test.each([
    'decay',
    'decay=',
    'decay=-1',
    'decay=1e3',
    'decay=1001',
    'freshness=1',
    '__proto__=1',
    '0.6',
    'relevance=0,importance=0,decay=0',
    'vector=0,lexical=0',
  ])('%s is refused', (text) => {
    expect(weightsFromEnv.safeParse(text).success).toBe(false);
  });
});
