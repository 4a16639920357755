import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rankedHit } from '../../testing/ranked-hit.ts';
import { alikeCandidates, collapse, uncollapsed } from './collapse.ts';
import { candidate } from './testing/candidates.ts';

const ranked = ['a', 'b', 'c', 'd', 'e'].map((id, index) => rankedHit(id, 1 - index / 10));
const saying = (texts: Record<string, string>) => (id: string) => new Map(Object.entries(texts)).get(id);
const nobody = () => false;
const shown = (result: ReturnType<typeof collapse>) =>
  result.ranked.map(({ id, duplicateIds }) => [id, ...duplicateIds]);

describe('of those that say the same', () => {
  test('the best stands for all', () => {
    const result = collapse(ranked, saying({ a: 'x', b: 'y', c: 'x', e: 'x' }), nobody);
    expect(shown(result)).toEqual([['a', 'c', 'e'], ['b'], ['d']]);
    expect(result.repeatIds).toEqual([]);
  });

  test('none comes after a page had one', () => {
    const texts = saying({ a: 'x', b: 'y', c: 'x', e: 'y' });
    const result = collapse(ranked, texts, (id) => id === 'c');
    expect(shown(result)).toEqual([['b', 'e'], ['c'], ['d']]);
    expect(result.repeatIds).toEqual(['a']);
  });

  test('each is somewhere, once, whatever they say', () => {
    const text = fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.boolean()), { maxLength: 20 }), (said) => {
        const ids = said.map((_, index) => `m${index}`);
        const hits = ids.map((id, index) => rankedHit(id, 1 - index / 100));
        const at = (id: string) => said[ids.indexOf(id)];
        const result = collapse(
          hits,
          (id) => at(id)?.[0],
          (id) => at(id)?.[1] === true,
        );
        expect([...shown(result).flat(), ...result.repeatIds].toSorted()).toEqual([...ids].toSorted());
      }),
      { seed: 20_260_610 },
    );
  });

  test('all stand where that is asked for', () => {
    expect(shown(uncollapsed(ranked))).toEqual([['a'], ['b'], ['c'], ['d'], ['e']]);
  });
});

describe('texts are read of candidates that are alike', () => {
  const pool = [
    candidate('a', { termScores: [1] }),
    candidate('b', { termScores: [0.5] }),
    candidate('c', { termScores: [1] }),
    candidate('d', { termScores: [0.5], wordCount: 3 }),
    candidate('e', { termScores: [0.5] }),
  ];
  const byId = new Map(pool.map((each) => [each.id, each]));

  test('among the best', () => {
    expect(alikeCandidates(ranked, byId, 5)).toEqual(['a', 'c', 'b', 'e']);
    expect(alikeCandidates(ranked, byId, 1)).toEqual(['a', 'c']);
    expect(alikeCandidates(ranked.slice(0, 2), byId, 5)).toEqual([]);
  });

  test('and near one another by their vectors', () => {
    const near = new Map([0.5, 0.5, 0.45, 0.5, 0.2].map((vectorScore, n) => ['abcde'.charAt(n), vectorScore]));
    const moved = new Map(pool.map((each) => [each.id, { ...each, vectorScore: near.get(each.id) }]));
    expect(alikeCandidates(ranked, moved, 5)).toEqual(['a', 'c']);
    const waiting = new Map(pool.map((each) => [each.id, { ...each, vectorScore: each.id === 'e' ? undefined : 0.5 }]));
    expect(alikeCandidates(ranked, waiting, 5)).toEqual(['a', 'c', 'b', 'e']);
  });

  test('and of one speaker', () => {
    const others = new Map(pool.map((each) => [each.id, { ...each, speaker: each.id }]));
    expect(alikeCandidates(ranked, others, 5)).toEqual([]);
  });
});
