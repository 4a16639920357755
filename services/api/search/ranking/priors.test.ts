import { describe, expect, test } from 'vitest';
import { lengthPrior, recencyOf, rolePrior, sessionEvidence } from './priors.ts';
import { candidate } from './testing/candidates.ts';

test('the length prior is half at ten words and grows no more from a hundred on', () => {
  const of = (wordCount: number) => lengthPrior(candidate('a', { wordCount }));
  expect([of(0), of(10)]).toEqual([0, 0.5]);
  expect(of(3000)).toBe(of(100));
  expect(of(100)).toBeGreaterThan(of(50));
});

describe('the role prior', () => {
  const chat = (assistantWords: number) => [
    candidate('user', { role: 'user', wordCount: 10 }),
    candidate('reply', { role: 'assistant', wordCount: assistantWords }),
    candidate('tool', { role: 'tool', wordCount: 500 }),
  ];
  const gains = (words: number, options: Partial<Parameters<typeof rolePrior>[1]> = {}) =>
    chat(words).map(rolePrior(chat(words), { roleWeights: undefined, asksForReply: false, ...options }));

  test('favours users where replies are much longer, and nobody in a chat of people', () => {
    expect(gains(12)).toEqual([0, 0, 0]);
    expect(gains(17.5)).toEqual([0.5, 0, 0]);
    expect(gains(60)).toEqual([1, 0, 0]);
  });

  test('favours nobody when a reply is asked for', () => {
    expect(gains(60, { asksForReply: true })).toEqual([0, 0, 0]);
  });

  test('is what the request says', () => {
    expect(gains(60, { roleWeights: { assistant: 0.7 }, asksForReply: true })).toEqual([0, 0.7, 0]);
  });

  test('favours what the system says like what users say', () => {
    const pool = [...chat(60), candidate('system', { role: 'system' })];
    expect(pool.map(rolePrior(pool, { roleWeights: undefined, asksForReply: false }))).toEqual([1, 0, 0, 1]);
  });

  test('is a number when users say nothing but stop words', () => {
    const pool = [candidate('user', { wordCount: 0 }), candidate('reply', { role: 'assistant', wordCount: 1 })];
    expect(pool.map(rolePrior(pool, { roleWeights: undefined, asksForReply: false }))).toEqual([0, 0]);
  });

  test('knows nothing of an assistant whose replies are filtered out', () => {
    const pool = [candidate('user', { wordCount: 3 })];
    expect(pool.map(rolePrior(pool, { roleWeights: undefined, asksForReply: false }))).toEqual([0]);
  });
});

describe('recency', () => {
  const at = (day: string) => new Date(`2026-06-${day}T00:00:00Z`);
  const pool = [
    candidate('new', { createdAt: at('15') }),
    candidate('old', { createdAt: at('08') }),
    candidate('outside', { createdAt: at('29'), eligible: false }),
  ];

  test('halves with each week before the newest that may be a hit', () => {
    expect(pool.map(recencyOf(pool, { isFirstPerson: true, decayOf: () => 0 }))).toEqual([1, 0.5, 1]);
  });

  test('counts as far as decay does not', () => {
    expect(pool.map(recencyOf(pool, { isFirstPerson: true, decayOf: () => 0.75 }))).toEqual([0.25, 0, 0.25]);
  });

  test('counts for those who chat alone', () => {
    expect(pool.map(recencyOf(pool, { isFirstPerson: false, decayOf: () => 0 }))).toEqual([0, 0, 0]);
  });

  test('is full when no candidate may be a hit', () => {
    const outside = [candidate('outside', { eligible: false })];
    expect(outside.map(recencyOf(outside, { isFirstPerson: true, decayOf: () => 0 }))).toEqual([1]);
  });
});

test('a conversation is as good as its best three messages', () => {
  const scored = [0.9, 0.6, 0.3, 0.2].map((relevance, index) => {
    return { candidate: candidate(String(index), { conversationId: 'x' }), relevance };
  });
  const alone = { candidate: candidate('alone', { conversationId: 'y' }), relevance: 0.9 };
  const outside = { candidate: candidate('outside', { conversationId: 'y', eligible: false }), relevance: 1 };
  const of = sessionEvidence([...scored, alone, outside]);
  expect(of(alone.candidate)).toBeCloseTo(0.3);
  expect(scored.map(({ candidate: one }) => of(one))).toEqual(Array.from({ length: 4 }, () => expect.closeTo(0.6)));
});

test('a conversation that has no candidate that may be a hit has no evidence', () => {
  const outside = candidate('outside', { eligible: false });
  expect(sessionEvidence([{ candidate: outside, relevance: 1 }])(outside)).toBe(0);
});
