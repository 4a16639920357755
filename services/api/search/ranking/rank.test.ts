import { describe, expect, test } from 'vitest';
import type { SearchMode } from '../query/search-request.ts';
import { noNeighbourhood } from './context.ts';
import { decayOf } from './priors.ts';
import { rank } from './rank.ts';
import { candidate, chainOf, rankingOptions as options } from './testing/candidates.ts';

const idsOf = (ranked: readonly { id: string }[]) => ranked.map((item) => item.id);

describe('rank', () => {
  test('fuses both sides: found by both beats found by one', () => {
    const pool = [
      candidate('vector-only', { vectorScore: 0.6 }),
      candidate('both', { vectorScore: 0.5, termScores: [0.8] }),
      candidate('words-only', { termScores: [1] }),
    ];
    expect(idsOf(rank(pool, noNeighbourhood, options))[0]).toBe('both');
  });

  test('the mode chooses the side', () => {
    const pool = [
      candidate('v', { vectorScore: 0.9, termScores: [0.1] }),
      candidate('w', { vectorScore: 0.1, termScores: [0.9] }),
    ];
    expect(idsOf(rank(pool, noNeighbourhood, { ...options, mode: 'vector' }))).toEqual(['v', 'w']);
    expect(idsOf(rank(pool, noNeighbourhood, { ...options, mode: 'lexical' }))).toEqual(['w', 'v']);
  });

  test('leaves out what has less than the least confidence', () => {
    const pool = [candidate('far'), candidate('near', { vectorScore: 0.6, termScores: [0.8] })];
    const [near] = rank(pool, noNeighbourhood, options);
    const found = (minConfidence: number) => idsOf(rank(pool, noNeighbourhood, { ...options, minConfidence }));
    const confidence = near?.breakdown.confidence ?? 0;
    expect([found(0), found(confidence), found(confidence + 0.001)]).toEqual([['near', 'far'], ['near'], []]);
  });

  test('neighbours lift a hit, they do not make one', () => {
    const pool = [
      candidate('words', { vectorScore: undefined, termScores: [0.9] }),
      candidate('pending', { vectorScore: undefined }),
      candidate('vector', { vectorScore: 0.5 }),
    ];
    const around = chainOf(['pending', 'words', 'vector']);
    const found = (mode: SearchMode) => idsOf(rank(pool, around, { ...options, mode })).toSorted();
    expect(found('lexical')).toEqual(['words']);
    expect(found('vector')).toEqual(['vector']);
    expect(found('hybrid')).toEqual(['vector', 'words']);
  });

  test('evidence that does not pass the filter counts, but is no hit', () => {
    const pool = [
      candidate('outside', { vectorScore: 0.9, termScores: [1], eligible: false }),
      candidate('a', { vectorScore: 0.5 }),
      candidate('b', { vectorScore: 0.5 }),
    ];
    expect(idsOf(rank(pool, chainOf(['b', 'outside']), options))).toEqual(['b', 'a']);
  });

  test('importance and recency decide between equals', () => {
    const old = new Date('2025-06-01T00:00:00Z');
    const pool = [
      candidate('plain', { vectorScore: 0.5 }),
      candidate('important', { vectorScore: 0.5, importance: 0.9 }),
      candidate('old', { vectorScore: 0.5, createdAt: old }),
      candidate('other', {}),
    ];
    expect(idsOf(rank(pool, noNeighbourhood, options)).slice(0, 3)).toEqual(['important', 'plain', 'old']);
  });

  test('the score is the weighted mean of its parts, and the least score is kept to', () => {
    const pool = [candidate('a', { vectorScore: 0.9, termScores: [0.5] }), candidate('b')];
    const [first, second] = rank(pool, noNeighbourhood, options);
    const { relevance, importance, decay } = first?.breakdown ?? { relevance: -1, importance: -1, decay: -1 };
    expect(first?.score).toBeCloseTo(0.6 * relevance + 0.3 * importance + 0.1 * decay);
    expect(second?.id).toBe('b');
    expect(idsOf(rank(pool, noNeighbourhood, { ...options, scoreMin: first?.score }))).toEqual(['a']);
  });

  test('a message that is not embedded yet is found by its words', () => {
    const pool = [
      candidate('new', { vectorScore: undefined, termScores: [0.4] }),
      candidate('b', { vectorScore: 0.1 }),
    ];
    expect(idsOf(rank(pool, noNeighbourhood, options))).toContain('new');
  });

  test('nothing in, nothing out', () => {
    expect(rank([], noNeighbourhood, options)).toEqual([]);
  });
});

describe('decay', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const weekly = { mode: 'half_life', halfLifeDays: 7 } as const;

  test('halves with every half-life', () => {
    expect(decayOf(now, now, weekly)).toBe(1);
    expect(decayOf(new Date('2026-05-25T00:00:00Z'), now, weekly)).toBeCloseTo(0.5);
    expect(decayOf(new Date('2026-05-18T00:00:00Z'), now, weekly)).toBeCloseTo(0.25);
    expect(decayOf(new Date('2026-05-18T00:00:00Z'), now, { ...weekly, halfLifeDays: 14 })).toBeCloseTo(0.5);
  });

  test('falls to 1/e in a week in the mode of the service before', () => {
    const legacy = { mode: 'legacy', halfLifeDays: 1 } as const;
    expect(decayOf(now, now, legacy)).toBe(1);
    expect(decayOf(new Date('2026-05-25T00:00:00Z'), now, legacy)).toBeCloseTo(1 / Math.E);
  });

  test('does not fall at all in the mode none', () => {
    expect(decayOf(new Date(0), now, { mode: 'none', halfLifeDays: 1 })).toBe(1);
  });

  test.each(['half_life', 'legacy', 'none'] as const)('a message from the future counts as new: %s', (mode) => {
    expect(decayOf(new Date('2027-01-01T00:00:00Z'), now, { mode, halfLifeDays: 7 })).toBe(1);
  });
});
