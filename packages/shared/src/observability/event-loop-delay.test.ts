import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { EventLoopDelay } from './event-loop-delay.ts';
import { createMetrics } from './metrics.ts';

function watch(options: ConstructorParameters<typeof EventLoopDelay>[0]): EventLoopDelay {
  const delay = new EventLoopDelay(options);
  onTestFinished(() => delay.stop());
  return delay;
}

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a block is seen by all who look, as often as they look, until it is a window ago', async () => {
  const delay = watch({ slices: 3, sliceMs: 200 });
  await sleep(50);
  block(300);
  await sleep(30);
  const seen = [delay.read(), delay.read()];
  expect(seen.map(({ max }) => max > 0.25)).toEqual([true, true]);
  await sleep(300);
  expect(delay.read().max).toBeGreaterThan(0.25);
  await expect.poll(() => delay.read().max, { timeout: 10_000 }).toBeLessThan(0.25);
});

test('a block is seen in the slice in which nobody looked', async () => {
  const delay = watch({ slices: 1000, sliceMs: 20 });
  await sleep(50);
  block(300);
  await sleep(200);
  expect(delay.read().max).toBeGreaterThan(0.25);
});

test('a loop that is free shows no delay', async () => {
  const delay = watch({});
  await sleep(300);
  // The tick of the timer itself, 10 ms, is none.
  expect(delay.read().median).toBeLessThan(0.008);
});

test('the gauge shows it, and nothing of a process that does not watch', async () => {
  const metrics = createMetrics();
  expect(await metrics.registry.metrics()).not.toMatch(/^memory_event_loop_delay_seconds/m);
  metrics.watch.eventLoop({ read: () => ({ median: 0.001, p99: 0.02, max: 0.5 }) });
  const lines = (await metrics.registry.metrics()).split('\n');
  for (const [quantile, value] of [
    ['0.5', '0.001'],
    ['0.99', '0.02'],
    ['max', '0.5'],
  ]) {
    expect(lines).toContain(`memory_event_loop_delay_seconds{quantile="${quantile}"} ${value}`);
  }
});
