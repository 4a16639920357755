import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { createRepeatingTask } from './repeating-task.ts';

describe('repeating task', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('runs at start, then once a minute or so, and no more after stop', async () => {
    let rounds = 0;
    const task = createRepeatingTask({
      everyMs: 60_000,
      id: 'task',
      run: () => Promise.resolve(void (rounds += 1)),
      onError: (error) => expect.unreachable(error.message),
    });
    await task.start();
    expect(rounds).toBe(1);
    await vi.advanceTimersByTimeAsync(53_000);
    expect(rounds).toBe(1);
    await vi.advanceTimersByTimeAsync(14_000);
    expect(rounds).toBe(2);
    await task.stop();
    await task.stop();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(rounds).toBe(2);
  });

  test('starts although the first round fails, reports that, and tries again', async () => {
    const errors: string[] = [];
    let rounds = 0;
    const task = createRepeatingTask({
      everyMs: 60_000,
      id: 'task',
      run: () => ((rounds += 1) === 1 ? Promise.reject(new Error('away')) : Promise.resolve()),
      onError: (error) => errors.push(error.message),
    });
    await task.start();
    await vi.advanceTimersByTimeAsync(70_000);
    await task.stop();
    expect([rounds, errors]).toEqual([2, ['away']]);
  });

  test('waits at stop for a round that is under way, and starts none after it', async () => {
    const gate = Promise.withResolvers<void>();
    const task = createRepeatingTask({
      everyMs: 60_000,
      id: 'task',
      run: () => gate.promise,
      onError: () => undefined,
    });
    const started = task.start();
    let stopped = false;
    const stopping = task.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    gate.resolve();
    await Promise.all([started, stopping]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
