import { describe, expect, test } from 'vitest';
import { defaultWeights, weightsFromEnv, weightsProblem } from './weights.ts';

test('weights that leave nothing to rank by are a problem', () => {
  expect(weightsProblem(defaultWeights)).toBeUndefined();
  expect(weightsProblem({ ...defaultWeights, relevance: 0, importance: 0, decay: 0 })).toContain('relevance');
  expect(weightsProblem({ ...defaultWeights, vector: 0, lexical: 0 })).toContain('vector, lexical');
  expect(weightsProblem({ ...defaultWeights, vector: 0, context: 0, relevance: 0 })).toBeUndefined();
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
