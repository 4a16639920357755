import { expect, test } from 'vitest';
import { Throughput } from './throughput.ts';

function createClock() {
  let now = 0;
  const throughput = new Throughput(() => now);
  const pass = (ms: number): void => {
    now += ms;
  };
  return { throughput, pass };
}

test('nothing is known at first', () => {
  expect(createClock().throughput.tokensIn(1000)).toBeUndefined();
});

test('calls side by side count together, and time without any does not count', async () => {
  const { throughput, pass } = createClock();
  for (let round = 0; round < 20; round += 1) {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const calls = gates.map((gate) => throughput.measure(1000, () => gate.promise));
    pass(300);
    for (const gate of gates) gate.resolve();
    await Promise.all(calls);
    pass(10_000);
  }
  expect(throughput.tokensIn(1000)).toBeCloseTo(10_000, 0);
});

test('a call that fails has done nothing in its time', async () => {
  const { throughput, pass } = createClock();
  const call = (fails: boolean) =>
    throughput.measure(1000, async () => {
      pass(1000);
      if (fails) throw new Error('too slow');
    });
  for (let round = 0; round < 100; round += 1) await call(round % 2 === 0).catch(() => undefined);
  expect(throughput.tokensIn(1000)).toBeLessThan(1000);
});
