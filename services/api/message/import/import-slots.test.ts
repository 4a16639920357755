import { expect, test } from 'vitest';
import { ImportSlots } from './import-slots.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('as many places as there are, and those that wait take turns by key', async () => {
  const slots = new ImportSlots(2);
  const order: string[] = [];
  const releases: (() => void)[] = [];
  const takePlace = async (key: string) => {
    const release = await slots.acquire(key);
    order.push(key);
    releases.push(release);
  };
  for (const key of ['a', 'a', 'a', 'a', 'a', 'b', 'c', 'b']) {
    void takePlace(key);
  }
  await turn();
  expect(order).toEqual(['a', 'a']);
  for (let n = 0; n < 8; n++) {
    releases[n]?.();
    await turn();
  }
  expect(order.join('')).toBe('aaabcaba');
});

test('a place that is given back twice is given to one', async () => {
  const slots = new ImportSlots(1);
  const release = await slots.acquire('a');
  release();
  release();
  await slots.acquire('a');
  let hasSecond = false;
  void slots.acquire('b').then(() => (hasSecond = true));
  await turn();
  expect(hasSecond).toBe(false);
});
