import { expect, test } from 'vitest';
import { rankedHit } from '../../testing/ranked-hit.ts';
import { mergeRerank } from './rerank.ts';
import { defaultWeights } from './weights.ts';

const weights = { ...defaultWeights, relevance: 0.6, importance: 0.3, decay: 0.1 };
const hits = ['a', 'b', 'c', 'd'].map((id, index) => ({ ranked: rankedHit(id, 0.9 - index / 10) }));
const idsOf = (items: typeof hits) => items.map(({ ranked }) => ranked.id);

test('the reranked come in their new order, the others behind them as they were', () => {
  expect(idsOf(mergeRerank(hits, [0.1, 0.9], weights))).toEqual(['b', 'a', 'c', 'd']);
  expect(idsOf(mergeRerank(hits, [1, 2, 3, 4], weights))).toEqual(['d', 'c', 'b', 'a']);
  expect(idsOf(mergeRerank(hits, [], weights))).toEqual(['a', 'b', 'c', 'd']);
});

test('the score is the weighted mean with the reranker for the relevance, and the breakdown shows it', () => {
  const [first, second] = mergeRerank(hits, [0.2, 0.7], weights);
  expect(first?.ranked).toMatchObject({ id: 'b', breakdown: { rerank: 0.7, relevance: 0.9 } });
  expect(first?.ranked.score).toBeCloseTo(0.6 * 0.7 + 0.06 + 0.05);
  expect(second?.ranked.score).toBeCloseTo(0.6 * 0.2 + 0.06 + 0.05);
});

test('scores that are no probabilities are scaled over the hits', () => {
  const [first, second, third] = mergeRerank(hits, [-3, 5, 1], weights);
  expect([first, second, third].map((hit) => hit?.ranked.breakdown.rerank)).toEqual([1, 0.5, 0]);
});

test('importance counts on: it can lift a hit that the reranker places lower', () => {
  const important = hits.map(({ ranked }) => ({
    ranked: { ...ranked, breakdown: { ...ranked.breakdown, importance: ranked.id === 'a' ? 1 : 0 } },
  }));
  expect(idsOf(mergeRerank(important, [0.8, 1, 0], weights))).toEqual(['a', 'b', 'c', 'd']);
});

test('a question that repeats the query is no answer, whatever the reranker takes it for', () => {
  const repeated = hits.map(({ ranked }) => ({
    ranked: { ...ranked, breakdown: { ...ranked.breakdown, echo: ranked.id === 'a' } },
  }));
  const merged = mergeRerank(repeated, [1, 0.3], weights);
  expect(idsOf(merged)).toEqual(['b', 'a', 'c', 'd']);
  expect(merged[1]?.ranked.breakdown.rerank).toBe(0.25);
});

test('equals stay in their order', () => {
  expect(idsOf(mergeRerank(hits, [2, 2, 2, 2], weights))).toEqual(['a', 'b', 'c', 'd']);
});
