import { expect, test } from 'vitest';
import { batchOrIndividually, unwrap } from './batch-or-individually.ts';

/** Doubles; fails for what holds a negative number. */
function createRun() {
  const runs: number[][] = [];
  const run = async (items: readonly number[]) => {
    runs.push([...items]);
    if (items.some((item) => item < 0)) throw new Error(`bad: ${items.join(' ')}`);
    return items.map((item) => item * 2);
  };
  return { runs, run };
}

const notCommon = () => false;

test('items that can be done together are', async () => {
  const { runs, run } = createRun();
  const outcomes = await batchOrIndividually(run, notCommon)([1, 2, 3]);
  expect(outcomes.map(unwrap)).toEqual([2, 4, 6]);
  expect(runs).toHaveLength(1);
});

test('one bad item fails alone, with its own error', async () => {
  const { run } = createRun();
  const outcomes = await batchOrIndividually(run, notCommon)([1, -2, 3]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(() => outcomes.map(unwrap)).toThrow('bad: -2');
});

test('nothing is tried again when it is nobody’s fault, nor when there was one item', async () => {
  const { runs, run } = createRun();
  await batchOrIndividually(run, () => true)([1, -2, 3]);
  await batchOrIndividually(run, notCommon)([-1]);
  expect(runs).toEqual([[1, -2, 3], [-1]]);
});
