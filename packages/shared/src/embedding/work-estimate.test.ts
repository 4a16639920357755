import { describe, expect, test } from 'vitest';
import { isLittle, piecesOf, tokensOf, WorkEstimate, type WorkSize } from './work-estimate.ts';

const texts = (count: number, characters = 99) => Array.from({ length: count }, () => 'x'.repeat(characters));

const sizeOf = (all: readonly string[]): WorkSize => ({ count: all.length, tokens: tokensOf(all) });

/** Texts that make a whole call. */
function callOf(estimate: WorkEstimate, characters = 99): number {
  return Math.round(1 / estimate.weigh(sizeOf(texts(1, characters))));
}

function learnt(msPerText: number, timeoutMs = 30_000): WorkEstimate {
  const estimate = new WorkEstimate(timeoutMs);
  for (let call = 0; call < 40; call++) estimate.learn(sizeOf(texts(10)), 10 * msPerText);
  return estimate;
}

describe('WorkEstimate', () => {
  test('before anything is known a call is small: by texts, and by tokens', () => {
    expect(callOf(new WorkEstimate(30_000))).toBe(16);
    expect(callOf(new WorkEstimate(30_000), 2304)).toBe(1);
  });

  test('a model that takes its time gets what it can do in six seconds, long texts counting more', () => {
    const estimate = learnt(100);
    expect(callOf(estimate)).toBe(60);
    expect(callOf(estimate, 198)).toBe(30);
  });

  test('a call is estimated to take a quarter of its time limit at most', () => {
    expect(callOf(learnt(100, 12_000))).toBe(30);
    expect(callOf(learnt(100, 12_000), 990)).toBe(3);
  });

  test('the size has bounds both ways', () => {
    expect(callOf(learnt(10_000))).toBe(16);
    expect(callOf(learnt(0.1))).toBe(128);
  });

  test('what expands when it is normalised counts as what it becomes', () => {
    const estimate = learnt(100);
    expect(estimate.weigh(sizeOf(['\ufdfa'.repeat(500)]))).toBeGreaterThan(10 * estimate.weigh(sizeOf(texts(1, 500))));
  });

  test('a call that runs out of time makes the next ones smaller; one that is refused at once changes nothing', () => {
    const estimate = learnt(1);
    estimate.learnFailure(sizeOf(texts(10)), 1);
    expect(callOf(estimate)).toBe(128);
    estimate.learnFailure(sizeOf(texts(100)), 30_000);
    expect(callOf(estimate)).toBeLessThan(70);
  });
});

describe('pieces', () => {
  test('hold all texts in order, each 16 texts and 768 estimated tokens at most, but one text', () => {
    const many = [...texts(40, 30), ...texts(3, 2200), ...texts(1, 9000), ...texts(2, 30)];
    const pieces = piecesOf(many);
    expect(pieces.flatMap((piece) => piece.texts)).toEqual(many);
    expect(pieces.map(({ from }) => from)).toEqual([0, 16, 32, 40, 41, 42, 43, 44]);
    for (const piece of pieces) {
      expect(piece.texts.length).toBeLessThanOrEqual(16);
      expect(piece.texts.length === 1 || piece.tokens <= 768).toBe(true);
    }
    expect(piecesOf([])).toEqual([]);
  });

  test('few texts are little only when they are short', () => {
    expect([texts(15, 90), texts(16, 90), texts(1, 3000), []].map((all) => isLittle(piecesOf(all)))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
