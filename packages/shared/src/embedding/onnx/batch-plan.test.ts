import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBatches } from './batch-plan.ts';

const lengthsArbitrary = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 });
const budgetArbitrary = fc.integer({ min: 1, max: 1024 });

describe('planBatches', () => {
  test('puts every text into exactly one batch', () => {
    fc.assert(
      fc.property(lengthsArbitrary, budgetArbitrary, (lengths, budget) => {
        const indices = planBatches(lengths, budget).flat();
        expect(indices.toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
      }),
    );
  });

  test('holds the budget unless a single text exceeds it', () => {
    fc.assert(
      fc.property(lengthsArbitrary, budgetArbitrary, (lengths, budget) => {
        for (const batch of planBatches(lengths, budget)) {
          const cost = batch.length * Math.max(...batch.map((index) => lengths[index] ?? 0));
          expect(batch.length === 1 || cost <= budget).toBe(true);
        }
      }),
    );
  });

  test('never leaves a batch out that the previous one had room for', () => {
    fc.assert(
      fc.property(lengthsArbitrary, budgetArbitrary, (lengths, budget) => {
        const batches = planBatches(lengths, budget);
        batches.slice(0, -1).forEach((batch) => {
          const longest = Math.max(...batch.map((index) => lengths[index] ?? 0));
          expect((batch.length + 1) * longest).toBeGreaterThan(budget);
        });
      }),
    );
  });

  test('batches texts of similar length together', () => {
    expect(planBatches([3, 100, 4, 90, 5], 200)).toEqual([
      [1, 3],
      [4, 2, 0],
    ]);
  });
});
