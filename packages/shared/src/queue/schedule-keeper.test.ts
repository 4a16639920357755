import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { createScheduleKeeper } from './schedule-keeper.ts';

describe('schedule keeper', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('upserts at start, then once a minute or so, and no more after stop', async () => {
    let upserts = 0;
    const keeper = createScheduleKeeper({
      id: 'keeper',
      upsert: () => Promise.resolve(void (upserts += 1)),
      onError: (error) => expect.unreachable(error.message),
    });
    await keeper.start();
    expect(upserts).toBe(1);
    await vi.advanceTimersByTimeAsync(53_000);
    expect(upserts).toBe(1);
    await vi.advanceTimersByTimeAsync(14_000);
    expect(upserts).toBe(2);
    await keeper.stop();
    await keeper.stop();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(upserts).toBe(2);
  });

  test('starts although the queue is away, reports that, and tries again', async () => {
    const errors: string[] = [];
    let upserts = 0;
    const keeper = createScheduleKeeper({
      id: 'keeper',
      upsert: () => ((upserts += 1) === 1 ? Promise.reject(new Error('away')) : Promise.resolve()),
      onError: (error) => errors.push(error.message),
    });
    await keeper.start();
    await vi.advanceTimersByTimeAsync(70_000);
    await keeper.stop();
    expect([upserts, errors]).toEqual([2, ['away']]);
  });

  test('waits at stop for an upsert that is under way, and starts none after it', async () => {
    const gate = Promise.withResolvers<void>();
    const keeper = createScheduleKeeper({ id: 'keeper', upsert: () => gate.promise, onError: () => undefined });
    const started = keeper.start();
    let stopped = false;
    const stopping = keeper.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    gate.resolve();
    await Promise.all([started, stopping]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
