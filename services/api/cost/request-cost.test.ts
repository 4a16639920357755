import { expect, test } from 'vitest';
import { costOfListing, costOfRead, costOfSearch } from './request-cost.ts';

const ordinary = { terms: 5, clauses: 0, conditions: 0, candidates: 60, topK: 5, neighbours: 0, diverse: false };

test('units are quarters, so that sums of them are exact', () => {
  for (let n = 0; n <= 100; n += 1) {
    const work = {
      ...ordinary,
      terms: n,
      clauses: n % 7,
      conditions: n,
      candidates: n * 10,
      topK: n,
      neighbours: n % 11,
    };
    expect(Number.isInteger(costOfSearch(work).units * 4)).toBe(true);
    expect(Number.isInteger(costOfListing({ limit: n + 1 }).units * 4)).toBe(true);
  }
});

test('an ordinary search is one unit; reading by id and a page of a listing are less', () => {
  expect([costOfSearch(ordinary), costOfListing({ limit: 50 }), costOfListing({ limit: 200 }), costOfRead]).toEqual([
    { units: 1 },
    { units: 0.25 },
    { units: 1 },
    { units: 0.25 },
  ]);
});
