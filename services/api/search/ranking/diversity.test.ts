import { normalise } from '@memory-layer/shared/embedding/vector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diversify, type Scored } from './diversity.ts';

const idsOf = (items: readonly Scored[]) => items.map((item) => item.id);
const all = { count: Infinity };

const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
const item = fc.record({
  score: fc.double({ min: 0, max: 1, noNaN: true }),
  vector: fc.option(fc.tuple(coordinate, coordinate, coordinate)),
});
const input = fc.array(item, { maxLength: 30 }).map((items) => {
  const ranked = items.map(({ score }, index) => ({ id: `m${index}`, score })).toSorted((a, b) => b.score - a.score);
  const vectors = items.flatMap(({ vector }, index) =>
    vector === null ? [] : [[`m${index}`, normalise(Float32Array.from(vector))] as const],
  );
  return { ranked, vectors: new Map(vectors) };
});
const share = fc.double({ min: 0, max: 1, noNaN: true });
const options = { seed: 20_260_301 };

describe('whatever is ranked', () => {
  test('no diversity keeps the order', () => {
    fc.assert(
      fc.property(input, ({ ranked, vectors }) => {
        expect(diversify(ranked, vectors, { diversity: 0, ...all })).toEqual(ranked);
      }),
      options,
    );
  });

  test('each comes once, none is lost, and the best stays first', () => {
    fc.assert(
      fc.property(input, share, ({ ranked, vectors }, diversity) => {
        const spread = diversify(ranked, vectors, { diversity, ...all });
        expect(idsOf(spread).toSorted()).toEqual(idsOf(ranked).toSorted());
        expect(spread[0]).toBe(ranked[0]);
      }),
      options,
    );
  });

  test('a page is the beginning of the whole, what is left keeps its order', () => {
    fc.assert(
      fc.property(input, share, fc.nat(30), ({ ranked, vectors }, diversity, count) => {
        const whole = diversify(ranked, vectors, { diversity, ...all });
        const page = diversify(ranked, vectors, { diversity, count });
        expect(page).toHaveLength(ranked.length);
        if (diversity === 0) return;
        expect(page.slice(0, count)).toEqual(whole.slice(0, count));
        const chosen = new Set(idsOf(page.slice(0, count)));
        expect(page.slice(count)).toEqual(ranked.filter(({ id }) => !chosen.has(id)));
      }),
      options,
    );
  });

  test('without vectors the order stays', () => {
    fc.assert(
      fc.property(input, share, ({ ranked }, diversity) => {
        expect(idsOf(diversify(ranked, new Map(), { diversity: diversity * 0.99, ...all }))).toEqual(idsOf(ranked));
      }),
      options,
    );
  });
});

describe('what is like the first', () => {
  const ranked = [
    { id: 'first', score: 1 },
    { id: 'copy', score: 0.99 },
    { id: 'other', score: 0.5 },
    { id: 'last', score: 0 },
  ];
  const vectors = new Map([
    ['first', Float32Array.of(1, 0)],
    ['copy', Float32Array.of(1, 0)],
    ['other', Float32Array.of(0, 1)],
    ['last', Float32Array.of(-1, 0)],
  ]);

  test.each([
    [0.1, ['first', 'copy', 'other', 'last']],
    [0.4, ['first', 'other', 'copy', 'last']],
    [1, ['first', 'other', 'last', 'copy']],
  ])('gives way, diversity %d', (diversity, order) => {
    expect(idsOf(diversify(ranked, vectors, { diversity, ...all }))).toEqual(order);
  });
});
