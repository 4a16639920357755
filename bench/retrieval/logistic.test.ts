import { expect, test } from 'vitest';
import { fitLogistic, probability } from './logistic.ts';

test('finds the coefficients that samples were drawn by', () => {
  const truth = [-2, 3, 1];
  const grid = Array.from({ length: 11 }, (_, n) => n / 10);
  const samples = grid.flatMap((a) =>
    grid.flatMap((b) => {
      const chance = probability(truth, [a, b]);
      return [
        { features: [a, b], isPositive: true, weight: chance },
        { features: [a, b], isPositive: false, weight: 1 - chance },
      ];
    }),
  );
  const found = fitLogistic(samples);
  expect(found).toEqual(truth.map((value) => expect.closeTo(value, 0)));
  expect(probability(found, [0, 0])).toBeCloseTo(probability(truth, [0, 0]), 1);
});
