import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wordsOf } from '../query/parse-query.ts';
import type { Candidate } from './candidate.ts';
import { confidenceOf } from './confidence.ts';
import { noNeighbourhood } from './context.ts';
import { isNamed, relevanceOf, type Relevance, type RelevanceOptions } from './relevance.ts';
import { candidate, chainOf, rankingOptions as options } from './testing/candidates.ts';

const relevance = (pool: readonly Candidate[], around = noNeighbourhood, changed: Partial<RelevanceOptions> = {}) => {
  const all = relevanceOf(pool, around, { ...options, ...changed });
  return (id: string): Relevance => all.get(id) ?? expect.fail(`no relevance of ${id}`);
};
const without = (part: keyof typeof options.weights) => ({ weights: { ...options.weights, [part]: 0 } });

describe('relevance', () => {
  test('is the fused value, what the neighbours add to it, and the priors', () => {
    const of = relevance(
      [candidate('a', { vectorScore: 0.6, termScores: [0.5], speaker: 'Ana' }), candidate('b', { termScores: [1] })],
      chainOf(['a', 'b']),
      { weights: { ...options.weights, context: 1, session: 0 } },
    );
    const { vector, lexical, context, speaker, length } = of('a');
    expect({ vector, lexical, speaker, length }).toEqual({ vector: 0.6, lexical: 0.5, speaker: 1, length: 0.5 });
    // The best by words is b with 1. By vectors it is a, read with b.
    const bestVector = 0.6 / Math.sqrt(1 + 0.09 + 2 * 0.3 * 0.5);
    const fused = (0.55 * 0.6) / bestVector ** 0.7 + 0.45 * 0.5;
    expect(of('a').relevance).toBeCloseTo(fused + context + 0.2 * speaker + 0.15 * length);
  });

  test('neither side is without effect where all of its values are small', () => {
    const pool = [
      candidate('words', { vectorScore: 0.05, termScores: [0.1] }),
      candidate('vector', { vectorScore: 0.1 }),
    ];
    const weak = relevance(pool);
    const strong = relevance([
      candidate('words', { vectorScore: 0.4, termScores: [0.8] }),
      candidate('vector', { vectorScore: 0.8 }),
    ]);
    for (const of of [weak, strong]) expect(of('words').relevance).toBeGreaterThan(of('vector').relevance);
  });

  test('vectors of letters that the model does not know count less, unless no word is found', () => {
    const pool = [candidate('near', { vectorScore: 0.9, termScores: [0.1] }), candidate('said', { termScores: [0.2] })];
    const best = (of: (id: string) => Relevance) => (of('near').relevance > of('said').relevance ? 'near' : 'said');
    expect(best(relevance(pool))).toBe('near');
    expect(best(relevance(pool, noNeighbourhood, { readableShare: 0 }))).toBe('said');
    const wordless = [candidate('near', { vectorScore: 0.9 }), candidate('far', { vectorScore: 0.1, wordCount: 90 })];
    const of = relevance(wordless, noNeighbourhood, { readableShare: 0 });
    expect(of('near').relevance).toBeGreaterThan(of('far').relevance);
  });

  test('the confidence is by words alone where the model does not know the letters', () => {
    const pool = [candidate('near', { vectorScore: 0.9 }), candidate('said', { termScores: [1] })];
    const of = relevance(pool, noNeighbourhood, { readableShare: 0 });
    expect(of('near').confidence).toBeLessThan(of('said').confidence);
    expect(relevance(pool)('near').confidence).toBeGreaterThan(of('near').confidence);
    const byVector = relevance(pool, noNeighbourhood, { readableShare: 0, mode: 'vector' });
    expect(byVector('near').confidence).toBeGreaterThan(byVector('said').confidence);
  });

  test('messages of a conversation that has more of what is asked for gain', () => {
    const pool = ['a', 'b', 'c'].map((id) =>
      candidate(id, { vectorScore: 0.5, conversationId: id === 'c' ? 'y' : 'x' }),
    );
    const of = relevance(pool);
    expect(of('a').session).toBeCloseTo(2 * of('c').session);
    expect(of('a').relevance).toBeGreaterThan(of('c').relevance);
  });

  test('a word beside a message counts less than one in it, and more than none', () => {
    const pool = ['far', 'next', 'said', 'after', 'beyond', 'off'].map((id) =>
      candidate(id, { termScores: [id === 'said' ? 1 : 0] }),
    );
    const of = relevance(pool, chainOf(['off', 'far', 'next', 'said', 'after', 'beyond']));
    const order = ['said', 'after', 'beyond', 'off'].map((id) => of(id).context + 0.45 * of(id).lexical);
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

  test('lies within bounds, whatever comes in; a mode leaves the other side out', () => {
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
            expect(value.relevance).toBeLessThanOrEqual(2.2);
            const { context: _, relevance: __, echo: ___, nearby, ...others } = value;
            const parts = [...Object.values(others), ...Object.values(nearby)];
            for (const part of parts) expect(part).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });
});

describe('the confidence', () => {
  const terms = { weights: [1, 3], dates: [] };
  const pool = [
    candidate('best', { vectorScore: 0.6, termScores: [1, 0] }),
    candidate('beside', { vectorScore: 0.4, termScores: [0, 0], speaker: 'Ana' }),
  ];

  test.each(['hybrid', 'lexical', 'vector'] as const)('is of what the message says beside others: %s', (mode) => {
    const of = relevance(pool, chainOf(['best', 'beside']), { terms, mode });
    // Of the word that nobody said a share is missing.
    expect([of('best').lexical, of('best').nearby.lexical]).toEqual([1, 0.25]);
    expect(of('beside').nearby.lexical).toBeCloseTo(0.7 * 0.25);
    expect(of('beside').nearby.vector).toBeGreaterThan(of('beside').vector);
    const best = of('best').nearby;
    const parts = { ...of('beside').nearby, speaker: 1, bestVector: best.vector, bestLexical: best.lexical };
    expect(of('beside').confidence).toBeCloseTo(confidenceOf(mode, parts), 10);
  });

  test('and the relevance are measured by what may be a hit', () => {
    const outside = candidate('outside', { vectorScore: 0.9, termScores: [1.9, 0], eligible: false });
    const [alone, beside] = [relevance(pool)('best'), relevance([...pool, outside])('best')];
    expect(beside).toEqual(alone);
  });

  test('is of dates, too', () => {
    const dated = { weights: [1], dates: [{ part: 'month', value: 5, weight: 2 }] } as const;
    const [one] = [candidate('a', { termScores: [1] })];
    expect(relevance([one], noNeighbourhood, { terms: dated })('a').nearby.lexical).toBeCloseTo(1 / 3);
    expect(relevance([one], noNeighbourhood, { terms: dated, ...without('date') })('a').nearby.lexical).toBe(1);
  });

  test('is a number when the query has no word', () => {
    const of = relevance([candidate('a', { termScores: [] })], noNeighbourhood, { terms: { weights: [], dates: [] } });
    expect(of('a').confidence).toBeLessThan(0.1);
  });
});

describe('a side', () => {
  const pool = [candidate('near', { vectorScore: 0.9, termScores: [0.1] }), candidate('said', { termScores: [0.2] })];
  const first = (changed: Partial<RelevanceOptions>) => {
    const of = relevance(pool, noNeighbourhood, changed);
    const [near, said] = [of('near').relevance, of('said').relevance];
    if (near > said) return 'near';
    return said > near ? 'said' : 'neither';
  };

  test('counts in full where it is alone, whatever letters the model knows and whatever the side weighs', () => {
    expect(first({ readableShare: 0, mode: 'vector' })).toBe('near');
    expect(first({ readableShare: 0, ...without('lexical') })).toBe('near');
    expect(first({ mode: 'vector', ...without('vector') })).toBe('near');
    expect(first({ mode: 'lexical', ...without('lexical') })).toBe('said');
  });

  test('does not count more in sum when both weigh more', () => {
    const double = { weights: { ...options.weights, vector: 1.1, lexical: 0.9 } };
    expect(relevance(pool, noNeighbourhood, double)('near').relevance).toBeCloseTo(relevance(pool)('near').relevance);
  });
});

describe('a part', () => {
  // Recency counts as far as decay does not.
  const weights = { ...options.weights, session: 0, decay: 0 };
  const time = { from: options.now, to: new Date(options.now.getTime() + 1), text: 'now' };
  const form = { ...options.form, isFirstPerson: true };
  const pool = [
    candidate('a', { vectorScore: 0.5, speaker: 'Ana' }),
    candidate('reply', { vectorScore: 0.4, role: 'assistant', wordCount: 60 }),
  ];

  test.each(['speaker', 'length', 'role', 'recency', 'time'] as const)('adds as much as it weighs: %s', (part) => {
    const { [part]: value, relevance: with_ } = relevance(pool, noNeighbourhood, { weights, time, form })('a');
    const left = relevance(pool, noNeighbourhood, { weights: { ...weights, [part]: 0 }, time, form })('a').relevance;
    expect(value).toBeGreaterThan(0);
    expect(with_ - left).toBeCloseTo((part === 'time' ? 1 : weights[part]) * value);
  });

  test('is asked for by the query and the request', () => {
    const roles = (changed: Partial<RelevanceOptions>) =>
      pool.map(({ id }) => relevance(pool, noNeighbourhood, changed)(id).role);
    expect(roles({})).toEqual([1, 0]);
    expect(roles({ form: { ...options.form, asksForReply: true } })).toEqual([0, 0]);
    expect(roles({ roleWeights: { assistant: 0.5 } })).toEqual([0, 0.5]);
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
