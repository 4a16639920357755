import { expect, test } from 'vitest';
import { judge, metricNames, ranksOf, rankSessions, type MetricName, type Rankings } from './metrics.ts';

function values(rankings: Partial<Rankings>, evidence: Partial<Rankings>): Record<MetricName, number | null> {
  const { turns = [], sessions = [] } = evidence;
  const alone = { turns: turns.map((name) => [name]), sessions: sessions.map((name) => [name]) };
  const judged = judge({ turns: [], sessions: [], ...rankings }, alone);
  expect(judged).toHaveLength(metricNames.length);
  const entries = metricNames.map((name, n) => [name, judged[n] ?? null]);
  return Object.fromEntries(entries) as Record<MetricName, number | null>;
}

const ten = ['a', '2', '3', '4', '5', 'b', '7', '8', '9', '10'];

test('recall is the share of the evidence among the first k', () => {
  const twelve = [...ten, '11', 'c'];
  expect(values({ turns: twelve }, { turns: ['a', 'b', 'c', 'missing'] })).toMatchObject({
    'R@5': 0.25,
    'R@10': 0.5,
    'R@20': 0.75,
    'R@50': 0.75,
    MRR: 1,
  });
});

test('nDCG is 1 for a ranking that could not be better, whatever the order of the evidence in it', () => {
  expect(values({ turns: ['a', 'b', 'x'] }, { turns: ['b', 'a'] })['nDCG@10']).toBe(1);
  const second = values({ turns: ['x', 'a'] }, { turns: ['a'] });
  expect(second['nDCG@10']).toBeCloseTo(1 / Math.log2(3));
  expect(second.MRR).toBe(0.5);
  expect(values({ turns: [...ten, 'c'] }, { turns: ['c'] })['nDCG@10']).toBe(0);
});

test('with more evidence than ten, ten found are all that nDCG@10 asks for', () => {
  const evidence = [...ten, '11', '12'];
  expect(values({ turns: evidence }, { turns: evidence })).toMatchObject({ 'nDCG@10': 1, 'R@10': 10 / 12 });
});

test('nothing found is 0, and nothing to find is no value', () => {
  expect(values({ turns: ['x'] }, { turns: ['a'] })).toMatchObject({ 'R@50': 0, 'nDCG@10': 0, MRR: 0 });
  expect(values({ turns: ['x'], sessions: ['s'] }, { sessions: ['s'] })).toEqual({
    'R@5': null,
    'R@10': null,
    'R@20': null,
    'R@50': null,
    'all@10': null,
    'all@20': null,
    'nDCG@10': null,
    MRR: null,
    'session R@5': 1,
    'session R@10': 1,
  });
});

test('a session stands where its first turn does', () => {
  const sessions = rankSessions(['s2:1', 's1:1', 's2:2', 's3:1'], (turn) => turn.slice(0, 2));
  expect(sessions).toEqual(['s2', 's1', 's3']);
  expect(values({ sessions }, { sessions: ['s3', 's9'] })['session R@5']).toBe(0.5);
});

test('ranks of evidence are in its order', () => {
  expect(ranksOf(ten, [['b'], ['missing'], ['a']])).toEqual([6, undefined, 1]);
});

test('a group of evidence stands where its first member does, and counts once', () => {
  expect(ranksOf(ten, [['b', 'a', 'missing'], ['missing']])).toEqual([1, undefined]);
  const evidence = { turns: [['a', 'b'], ['10']], sessions: [] };
  expect(judge({ turns: ten, sessions: [] }, evidence).slice(0, 2)).toEqual([0.5, 1]);
});

test('all@k is 1 when all of the evidence is among the first k', () => {
  expect(values({ turns: ten }, { turns: ['a', 'b'] })).toMatchObject({ 'all@10': 1, 'all@20': 1 });
  expect(values({ turns: [...ten, 'c'] }, { turns: ['a', 'c'] })).toMatchObject({ 'all@10': 0, 'all@20': 1 });
});
