import { expect, test } from 'vitest';
import { belowFloors, floorsOf, recallAt, recallByKind } from './recall.ts';

test('counts the evidence among the first k', () => {
  expect(recallAt(2, ['a', 'b', 'c'], ['c', 'a'])).toBe(0.5);
  expect(recallAt(3, ['a', 'b', 'c'], ['c', 'a'])).toBe(1);
  expect(recallAt(3, [], ['a'])).toBe(0);
});

test('means are over questions, of all and of each kind', () => {
  const far = ['1', '2', '3', '4', '5', 'x'];
  const recall = recallByKind([
    { kind: 'one', ranking: ['x'], evidence: ['x'] },
    { kind: 'one', ranking: far, evidence: ['x'] },
    { kind: 'two', ranking: [], evidence: ['x'] },
  ]);
  expect([...recall]).toEqual([
    ['all', { at5: 33.3, at10: 66.7 }],
    ['one', { at5: 50, at10: 100 }],
    ['two', { at5: 0, at10: 0 }],
  ]);
});

test('says what is below its floor, and which floors and kinds do not match', () => {
  const recall = new Map([
    ['all', { at5: 50, at10: 60 }],
    ['new', { at5: 1, at10: 1 }],
  ]);
  expect(belowFloors(recall, { all: { at5: 50, at10: 61 }, old: { at5: 0, at10: 0 } })).toEqual([
    'all: R@10 is 60, below 61',
    'new: not both measured and given a floor',
    'old: not both measured and given a floor',
  ]);
  expect(belowFloors(new Map([['all', { at5: 50, at10: 60 }]]), { all: { at5: 50, at10: 60 } })).toEqual([]);
});

test('floors leave three questions of all, and two of a kind', () => {
  const answered = Array.from({ length: 40 }, (_, n) => ({
    kind: n < 30 ? 'many' : 'few',
    ranking: n % 2 === 0 ? ['x'] : [],
    evidence: ['x'],
  }));
  expect(floorsOf(answered)).toEqual({
    all: { at5: 42, at10: 42 },
    many: { at5: 43, at10: 43 },
    few: { at5: 30, at10: 30 },
  });
});
