import { describe, expect, test } from 'vitest';
import { decayOf, defaultWeights, rank, type Candidate, type RankingOptions } from './ranking.ts';

const now = new Date('2026-06-01T00:00:00Z');
const options: RankingOptions = { mode: 'hybrid', weights: defaultWeights, halfLifeDays: 7, now };

function candidate(id: string, parts: Partial<Candidate> = {}): Candidate {
  return { id, vectorScore: 0, lexicalScore: 0, importance: 0.2, createdAt: now, eligible: true, ...parts };
}
const idsOf = (ranked: readonly { id: string }[]) => ranked.map((item) => item.id);

describe('decay', () => {
  test('halves with every half-life', () => {
    expect(decayOf(now, now, 7)).toBe(1);
    expect(decayOf(new Date('2026-05-25T00:00:00Z'), now, 7)).toBeCloseTo(0.5);
    expect(decayOf(new Date('2026-05-18T00:00:00Z'), now, 7)).toBeCloseTo(0.25);
  });

  test('a message from the future counts as new', () => {
    expect(decayOf(new Date('2027-01-01T00:00:00Z'), now, 7)).toBe(1);
  });
});

describe('rank', () => {
  test('fuses both sides: found by both beats found by one', () => {
    const pool = [
      candidate('vector-only', { vectorScore: 0.9 }),
      candidate('both', { vectorScore: 0.8, lexicalScore: 0.8 }),
      candidate('words-only', { lexicalScore: 0.9 }),
    ];
    expect(idsOf(rank(pool, [], options))[0]).toBe('both');
  });

  test('the mode chooses the side', () => {
    const pool = [candidate('v', { vectorScore: 0.9 }), candidate('w', { lexicalScore: 0.9 })];
    expect(idsOf(rank(pool, [], { ...options, mode: 'vector' }))).toEqual(['v', 'w']);
    expect(idsOf(rank(pool, [], { ...options, mode: 'lexical' }))).toEqual(['w', 'v']);
  });

  test('a neighbour of a strong candidate rises', () => {
    const pool = [
      candidate('strong', { vectorScore: 0.9 }),
      candidate('after', { vectorScore: 0.2 }),
      candidate('far', { vectorScore: 0.2 }),
      candidate('last', { vectorScore: 0.1 }),
    ];
    const ranked = rank(pool, [{ earlierId: 'strong', laterId: 'after' }], options);
    expect(idsOf(ranked).slice(0, 3)).toEqual(['strong', 'after', 'far']);
    expect(ranked[1]?.breakdown.context).toBeGreaterThan(0);
  });

  test('evidence that does not pass the filter counts, but is no hit', () => {
    const pool = [
      candidate('outside', { vectorScore: 0.9, eligible: false }),
      candidate('a', { vectorScore: 0.5 }),
      candidate('b', { vectorScore: 0.5 }),
    ];
    expect(idsOf(rank(pool, [{ earlierId: 'b', laterId: 'outside' }], options))).toEqual(['b', 'a']);
  });

  test('importance and recency decide between equals', () => {
    const old = new Date('2025-06-01T00:00:00Z');
    const pool = [
      candidate('plain', { vectorScore: 0.5 }),
      candidate('important', { vectorScore: 0.5, importance: 0.9 }),
      candidate('old', { vectorScore: 0.5, createdAt: old }),
      candidate('other', {}),
    ];
    expect(idsOf(rank(pool, [], options)).slice(0, 3)).toEqual(['important', 'plain', 'old']);
  });

  test('the score is the weighted mean of its parts', () => {
    const [first] = rank([candidate('a', { vectorScore: 0.9, lexicalScore: 0.5 }), candidate('b')], [], options);
    const { relevance, importance, decay } = first?.breakdown ?? { relevance: -1, importance: -1, decay: -1 };
    expect(first?.score).toBeCloseTo(0.6 * relevance + 0.3 * importance + 0.1 * decay);
  });

  test('a message that is not embedded yet is found by its words', () => {
    const pool = [
      candidate('new', { vectorScore: undefined, lexicalScore: 0.4 }),
      candidate('b', { vectorScore: 0.1 }),
    ];
    expect(idsOf(rank(pool, [], options))).toContain('new');
  });

  test('nothing in, nothing out', () => {
    expect(rank([], [], options)).toEqual([]);
  });
});
