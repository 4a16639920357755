import { expect, test } from 'vitest';
import { FairSlots } from './fair-slots.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('as many slots as there are, three quarters for a key, and those that wait take turns by key', async () => {
  const slots = new FairSlots({ count: 3 });
  const order: string[] = [];
  const releases: (() => void)[] = [];
  const takeSlot = async (key: string) => {
    const release = await slots.acquire(key);
    order.push(key);
    releases.push(release);
  };
  for (const key of ['a', 'a', 'a', 'a', 'a', 'b', 'c', 'b']) {
    void takeSlot(key);
  }
  await turn();
  // The third slot is not for a key that has two.
  expect(order).toEqual(['a', 'a', 'b']);
  for (let n = 0; n < 8; n++) {
    releases[n]?.();
    await turn();
  }
  expect(order.join('')).toBe('aabacbaa');
});

test('a slot that is given back twice is given to one', async () => {
  const slots = new FairSlots({ count: 1 });
  const release = await slots.acquire('a');
  release();
  release();
  await slots.acquire('a');
  let hasSecond = false;
  void slots.acquire('b').then(() => (hasSecond = true));
  await turn();
  expect(hasSecond).toBe(false);
});
