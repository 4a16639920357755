import { expect, test } from 'vitest';
import { createBm25 } from './bm25.ts';
import type { Turn } from './chat.ts';

function turnsOf(...texts: readonly string[]): Turn[] {
  return texts.map((text, index) => ({
    turnId: `t${index + 1}`,
    session: index < 3 ? 's1' : 's2',
    role: 'user',
    speaker: undefined,
    text,
    saidAt: new Date(Date.UTC(2025, 0, 1, 0, index)),
  }));
}

const plain = { neighbourShare: 0 };
const rank = createBm25(
  turnsOf(
    'Where did you sail?',
    'We sailed to Malta.',
    'How nice!',
    'I like sailing, and boats, and water, and wind.',
    'Sure.',
  ),
);

test('words count by their stems, rare ones more, and long turns less', () => {
  expect(rank('the sail', undefined, plain)).toEqual(['t1', 't2', 't4']);
  expect(rank('sailing to Malta', undefined, plain)[0]).toBe('t2');
  expect(rank('the and', undefined, plain)).toEqual([]);
});

test('a turn gets a share of what those beside it in its session have', () => {
  expect(rank('Malta', undefined, { neighbourShare: 0.3 })).toEqual(['t2', 't1', 't3']);
  expect(rank('boats', undefined, { neighbourShare: 0.3 })).toEqual(['t4', 't5']);
});

test('later turns were not said yet', () => {
  expect(rank('sail', new Date(Date.UTC(2025, 0, 1, 0, 2)), plain)).toEqual(['t1', 't2']);
});

test('Chinese text has words', () => {
  const inChinese = createBm25(turnsOf('我喜欢坐过山车', '今天下雨'));
  expect(inChinese('过山车好玩吗', undefined, plain)).toEqual(['t1']);
});
