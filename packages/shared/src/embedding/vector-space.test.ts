import { describe, expect, test } from 'vitest';
import { norm } from './vector.ts';
import { modelNameOf, noPrefixes, truncate, truncationWarning, vectorSpaceId } from './vector-space.ts';

describe('vectorSpaceId', () => {
  test('is the bare name of a model without prefixes, pooled by the mean', () => {
    expect(vectorSpaceId('org/model', {})).toBe('org/model');
    expect(vectorSpaceId('org/model', { prefixes: noPrefixes, pooling: 'mean' })).toBe('org/model');
  });

  test('differs by whatever changes vectors, blanks included', () => {
    const ids = [
      {},
      { pooling: 'cls' as const },
      { prefixes: { query: 'query: ', passage: '' } },
      { prefixes: { query: 'query:', passage: '' } },
      { prefixes: { query: '', passage: 'query: ' } },
      { prefixes: { query: 'query: ', passage: 'passage: ' } },
      { prefixes: { query: 'query: ', passage: 'passage: ' }, pooling: 'cls' as const },
    ].map((settings) => vectorSpaceId('org/model', settings));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.map(modelNameOf)).toEqual(ids.map(() => 'org/model'));
    expect(ids.at(-1)).toBe('org/model [pooling cls, query "query: ", passage "passage: "]');
  });
});

describe('truncate', () => {
  test('takes the first components and gives them length one', () => {
    const cut = truncate(Float32Array.of(3, 4, 12, 84), 2);
    expect([...cut]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect(norm(truncate(Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5), 3))).toBeCloseTo(1, 6);
  });

  test('subtracts the mean of all components first where the model wants that', () => {
    // The mean is 4: -3, 0, 3 remain, of which the first two point along the first axis.
    expect([...truncate(Float32Array.of(1, 4, 7), 2, { centred: true })]).toEqual([-1, 0]);
  });

  test('leaves what is not longer as it is, of another length too', () => {
    const vector = Float32Array.of(3, 4);
    expect(truncate(vector, 2, { centred: true })).toBe(vector);
    expect(truncate(vector, 3)).toBe(vector);
  });
});

describe('truncationWarning', () => {
  test.each([
    ['of the model itself', 768, {}],
    ['that the model was trained for', 256, { trainedFrom: 256 }],
  ])('is silent about a dimension %s', (_, dimension, truncation) => {
    expect(truncationWarning('m', { own: 768, dimension, truncation })).toBeUndefined();
  });

  test.each([
    ['below what the model was trained for', { trainedFrom: 256 }, 'm was trained to be cut to 256 or more'],
    ['of which nobody knows', {}, 'm is not known to be trained for that'],
  ])('tells of a dimension %s', (_, truncation, reason) => {
    const warning = truncationWarning('m', { own: 768, dimension: 255, truncation });
    expect(warning).toBe(`MEMORY_EMBEDDING_DIMENSIONS: vectors of 768 dimensions are cut to 255, but ${reason}`);
  });
});
