import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wordsOf } from '../query/parse-query.ts';
import type { Candidate } from './candidate.ts';
import { noNeighbourhood } from './context.ts';
import { isNamed, relevanceOf, type Relevance, type RelevanceOptions } from './relevance.ts';
import { candidate, chainOf, rankingOptions as options } from './testing/candidates.ts';

const relevance = (pool: readonly Candidate[], around = noNeighbourhood, changed: Partial<RelevanceOptions> = {}) => {
  const all = relevanceOf(pool, around, { ...options, ...changed });
  return (id: string): Relevance => all.get(id) ?? expect.fail(`no relevance of ${id}`);
};
const without = (part: keyof typeof options.weights) => ({ weights: { ...options.weights, [part]: 0 } });

describe('relevance', () => {
  test('is the weighted mean of its parts, and what the neighbours add', () => {
    const of = relevance(
      [candidate('a', { vectorScore: 0.6, termScores: [0.5], speaker: 'Ana' }), candidate('b', { termScores: [1] })],
      chainOf(['a', 'b']),
    );
    const { vector, lexical, context, speaker, substance } = of('a');
    expect({ vector, lexical, speaker, substance }).toEqual({ vector: 0.6, lexical: 0.5, speaker: 1, substance: 0.5 });
    const mean = 0.45 * vector + 0.35 * lexical + 0.1 * speaker + 0.1 * substance;
    expect(of('a').relevance).toBeCloseTo(mean + context);
  });

  test('a word beside a message counts less than one in it, and more than none', () => {
    const pool = ['far', 'next', 'said', 'after', 'beyond', 'off'].map((id) =>
      candidate(id, { termScores: [id === 'said' ? 1 : 0] }),
    );
    const of = relevance(pool, chainOf(['off', 'far', 'next', 'said', 'after', 'beyond']));
    const order = ['said', 'after', 'beyond', 'off'].map((id) => of(id).context + 0.35 * of(id).lexical);
    expect(order).toEqual(order.toSorted((a, b) => b - a));
    expect(of('after').context).toBeGreaterThan(of('beyond').context);
    expect(of('off').context).toBe(0);
  });

  test('words of the query that lie side by side in different messages add up; the same word twice does not', () => {
    const two = { terms: { weights: [1, 1], dates: [] } };
    const other = relevance(
      [candidate('a', { termScores: [1, 0] }), candidate('b', { termScores: [0, 1] })],
      chainOf(['a', 'b']),
      two,
    );
    const same = relevance(
      [
        candidate('a', { termScores: [1, 0] }),
        candidate('b', { termScores: [1, 0] }),
        candidate('c', { termScores: [0, 1] }),
      ],
      chainOf(['a', 'b']),
      two,
    );
    expect(other('a').context).toBeGreaterThan(0);
    expect(same('a').context).toBe(0);
  });

  test('a message is nearer to the query with neighbours that are near, farther with those that are not', () => {
    const pool = [candidate('a', { vectorScore: 0.5 }), candidate('near', { vectorScore: 0.6 }), candidate('far')];
    expect(relevance(pool, chainOf(['near', 'a']))('a').context).toBeGreaterThan(0);
    expect(relevance(pool, chainOf(['far', 'a']))('a').context).toBeLessThan(0);
    expect(relevance(pool, chainOf(['near', 'a']), without('context'))('a').context).toBe(0);
  });

  test('words that no candidate has do not count: what is left is what there is to reach', () => {
    const terms = { weights: [1, 5], dates: [] };
    expect(relevance([candidate('a', { termScores: [1, 0] })], noNeighbourhood, { terms })('a').lexical).toBe(1);
  });

  test('a date in the query is a word that was said on that day', () => {
    const terms = { weights: [], dates: [{ part: 'month', value: 5, weight: 2 }] } as const;
    const pool = [
      candidate('may', { termScores: [], createdAt: new Date('2026-05-20T00:00:00Z') }),
      candidate('june', { termScores: [] }),
    ];
    const of = relevance(pool, noNeighbourhood, { terms });
    expect([of('may').lexical, of('june').lexical]).toEqual([1, 0]);
    expect(relevance(pool, noNeighbourhood, { terms, ...without('date') })('may').lexical).toBe(0);
  });

  test('lies between 0 and 1, whatever comes in; a mode leaves the other side out', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const some = fc.record({
      vectorScore: fc.option(fc.double({ min: -1, max: 1, noNaN: true }), { nil: undefined }),
      termScores: fc.tuple(fc.double({ min: 0, max: 1.9, noNaN: true })),
      wordCount: fc.nat(10_000),
      speaker: fc.constantFrom(undefined, 'Ana', 'Bo'),
      importance: share,
    });
    fc.assert(
      fc.property(
        fc.array(some, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('hybrid', 'vector', 'lexical'),
        (all, mode) => {
          const pool = all.map((parts, index) => candidate(String(index), parts));
          const ids = pool.map(({ id }) => id);
          for (const value of relevanceOf(pool, chainOf(ids, 0.9), { ...options, mode }).values()) {
            expect(value.relevance).toBeGreaterThanOrEqual(0);
            expect(value.relevance).toBeLessThanOrEqual(1.2);
            const { context: _, relevance: __, echo: ___, ...parts } = value;
            for (const part of Object.values(parts)) expect(part).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });
});

const asked = new Set(wordsOf('What did Ana’s brother say about JÜRGEN?'));

test.each([
  ['Ana', true],
  ['Ana Souza', true],
  ['jürgen', true],
  ['Anabel', false],
  ['S.', false],
  ['', false],
  [undefined, false],
])('%j is named: %j', (speaker, expected) => {
  expect(isNamed(speaker, asked)).toBe(expected);
});
