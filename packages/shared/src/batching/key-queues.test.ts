import { describe, expect, test } from 'vitest';
import { KeyQueues } from './key-queues.ts';

/** Queues whose batches weigh 8 at most, with 1 of each key in turn unless said otherwise. */
function setUp(quantum = 1, maxBatchWeight = 8) {
  const queues = new KeyQueues<string, void>(maxBatchWeight, quantum);
  const push = (key: string, item: string, weightInBatch = 1) =>
    queues.push({ item, key, weight: 1, weightInBatch, resolve: () => undefined, reject: () => undefined });
  const take = (mayTake: (key: string) => boolean = () => true) => queues.take(mayTake).map(({ item }) => item);
  return { queues, push, take };
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];

describe('keys in turn', () => {
  test('of more keys than a batch has quanta, the next batch begins with those that had none', () => {
    const { push, take } = setUp();
    for (const key of keys) for (const n of [1, 2, 3]) push(key, `${key}${n}`);
    expect(take()).toEqual(['a1', 'b1', 'c1', 'd1', 'e1', 'f1', 'g1', 'h1']);
    expect(take()).toEqual(['i1', 'a2', 'b2', 'c2', 'd2', 'e2', 'f2', 'g2']);
    expect(take()).toEqual(['h2', 'i2', 'a3', 'b3', 'c3', 'd3', 'e3', 'f3']);
    expect(take()).toEqual(['g3', 'h3', 'i3']);
  });

  test('also while the first ones always have more', () => {
    const { push, take } = setUp();
    for (const key of keys) push(key, key);
    for (let batch = 0; batch < 9; batch++) {
      const taken = take();
      for (const key of taken) push(key, key);
      expect(taken).toEqual(Array.from({ length: 8 }, (_, n) => keys[(batch * 8 + n) % 9]));
    }
  });

  test('a key that may not go keeps its place', () => {
    const { push, take } = setUp();
    for (const key of ['a', 'b']) for (const n of [1, 2]) push(key, `${key}${n}`);
    expect(take((key) => key !== 'a')).toEqual(['b1', 'b2']);
    push('b', 'b3');
    expect(take()).toEqual(['a1', 'b3']);
    expect(take(() => false)).toEqual([]);
    expect(take()).toEqual(['a2']);
  });
});

describe('what a key saves', () => {
  test('is as much as its next item needs: it is not spent on the items after that', () => {
    const { push, take } = setUp(10, 30);
    // It has 10, 20, 30 and goes with the last.
    push('a', 'large', 25);
    for (let n = 0; n < 20; n++) push('a', `small-${n}`, 1);
    for (let n = 0; n < 30; n++) push('b', `b${n}`, 10);
    expect(take()).toEqual(['b0']);
    expect(take()).toEqual(['b1']);
    // 25 of its 30, and 5 of the small ones: nothing is left of the batch.
    expect(take()).toEqual(['large', 'small-0', 'small-1', 'small-2', 'small-3', 'small-4']);
    expect(take().filter((item) => item.startsWith('small'))).toHaveLength(10);
  });

  test('is no more than its next item needs, when the batch had no room for more', () => {
    const { push, take } = setUp(10, 12);
    push('b', 'b0', 9);
    for (let n = 0; n < 40; n++) push('a', `a${n}`, 1);
    expect(take()).toEqual(['b0', 'a0', 'a1', 'a2']);
    push('b', 'b1', 1);
    // 1 that it saved of 7, and 10 of this turn.
    expect(take()).toEqual([...Array.from({ length: 11 }, (_, n) => `a${n + 3}`), 'b1']);
  });

  test('is no more than its next item needs, when that found no room', () => {
    const { push, take } = setUp(10, 30);
    for (const item of ['b0', 'b1', 'c0', 'c1']) push(item.charAt(0), item, 10);
    push('a', 'large', 12);
    for (let n = 0; n < 40; n++) push('a', `a${n}`, 1);
    expect(take()).toEqual(['b0', 'c0']);
    expect(take()).toEqual(['b1', 'c1']);
    push('b', 'b2', 10);
    // 12 that it saved of 20, and 10 of this turn.
    expect(take()).toEqual(['large', ...Array.from({ length: 10 }, (_, n) => `a${n}`)]);
  });

  test('lets an item go that fits only into a batch of its own, however much waits of others', () => {
    for (const weight of [8, 50]) {
      const { push, take } = setUp(1, 8);
      for (const key of ['b', 'c']) for (let n = 0; n < 100; n++) push(key, `${key}${n}`);
      push('a', 'large', weight);
      const batches = Array.from({ length: weight + 1 }, () => take());
      expect(batches).toContainEqual(['large']);
    }
  });

  test('is nothing after its queue was empty', () => {
    const { push, take } = setUp(10, 20);
    push('a', 'a0', 1);
    push('b', 'b0', 1);
    expect(take()).toEqual(['a0', 'b0']);
    for (let n = 0; n < 15; n++) push('a', `a${n}`, 1);
    push('b', 'b1', 1);
    expect(take()).toHaveLength(11);
  });
});

test('what is taken out is counted no more', () => {
  const { queues, push, take } = setUp();
  push('a', 'a1', 1);
  push('b', 'b1', 2);
  expect([queues.size, queues.weight, queues.weightInBatch, queues.weightOf('a')]).toEqual([2, 2, 3, 1]);
  expect(take()).toEqual(['a1']);
  expect([queues.size, queues.weight, queues.weightInBatch, queues.weightOf('b')]).toEqual([1, 1, 2, 1]);
  expect(take()).toEqual(['b1']);
  expect([queues.size, queues.weight, queues.weightInBatch, queues.weightOf('a')]).toEqual([0, 0, 0, 0]);
  expect(queues.keys()).toEqual([]);
});
