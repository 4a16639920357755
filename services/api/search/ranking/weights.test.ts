import { expect, test } from 'vitest';
import { defaultWeights, weightsProblem } from './weights.ts';

test('weights that leave nothing to rank by are a problem', () => {
  expect(weightsProblem(defaultWeights)).toBeUndefined();
  expect(weightsProblem({ ...defaultWeights, relevance: 0, importance: 0, decay: 0 })).toContain('relevance');
  expect(weightsProblem({ ...defaultWeights, vector: 0, lexical: 0 })).toContain('vector, lexical');
  expect(weightsProblem({ ...defaultWeights, vector: 0, context: 0, relevance: 0 })).toBeUndefined();
});
