import { expect, test } from 'vitest';
import { WorkEstimate } from './work-estimate.ts';

const texts = (count: number, characters = 100) => Array.from({ length: count }, () => 'x'.repeat(characters));

/** Texts that make a whole batch. */
function batchOf(estimate: WorkEstimate, characters = 100): number {
  return Math.round(1 / estimate.weigh(texts(1, characters)));
}

function learnt(msPerText: number): WorkEstimate {
  const estimate = new WorkEstimate();
  for (let call = 0; call < 40; call++) estimate.learn(texts(10), 10 * msPerText);
  return estimate;
}

test('before anything is known a batch is small', () => {
  expect(batchOf(new WorkEstimate())).toBe(16);
});

test('a model that takes its time gets as many texts as it can do in six seconds, long ones counting more', () => {
  const estimate = learnt(100);
  expect(batchOf(estimate)).toBe(60);
  expect(batchOf(estimate, 200)).toBe(30);
});

test('the size has bounds both ways', () => {
  expect(batchOf(learnt(10_000))).toBe(16);
  expect(batchOf(learnt(0.1))).toBe(128);
});
