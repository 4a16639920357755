import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PollSchedule, type PollScheduleOptions } from './poll-schedule.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

interface Waiter {
  readonly name: string;
  isDone: boolean;
}

/** Polls that take a while; at what time each was, and for whom. */
function setUp({ tookMs = 0, ...given }: Partial<PollScheduleOptions<Waiter>> & { readonly tookMs?: number } = {}) {
  const polls: { readonly at: number; readonly names: string[] }[] = [];
  const errors: unknown[] = [];
  const start = Date.now();
  const schedule = new PollSchedule<Waiter>({
    pausesMs: [10, 100],
    slackMs: 5,
    restMs: { shortest: 0, longest: 1000 },
    async poll(due) {
      polls.push({ at: Date.now() - start, names: due.map(({ name }) => name) });
      if (tookMs > 0) await new Promise((resolve) => setTimeout(resolve, tookMs));
    },
    isDone: (waiter) => waiter.isDone,
    onError: (error) => errors.push(error),
    ...given,
  });
  const wait = (name: string, timeoutMs = 10_000, signal = new AbortController().signal) => {
    const waiter = { name, isDone: false, hasEnded: false };
    void schedule.wait(waiter, { timeoutMs, signal }).then(() => (waiter.hasEnded = true));
    return waiter;
  };
  return { schedule, wait, polls, errors };
}

describe('a schedule of polls', () => {
  test('polls soon, then less often, and no more once nobody waits', async () => {
    const { schedule, wait, polls } = setUp();
    const waiter = wait('one');
    await vi.advanceTimersByTimeAsync(250);
    expect(polls.map(({ at }) => at)).toEqual([10, 110, 210]);
    waiter.isDone = true;
    await vi.advanceTimersByTimeAsync(100);
    expect([waiter.hasEnded, schedule.size, vi.getTimerCount()]).toEqual([true, 0, 0]);
  });

  test('polls together for those that are due at about the same time', async () => {
    const { wait, polls } = setUp();
    wait('one');
    await vi.advanceTimersByTimeAsync(4);
    wait('two');
    await vi.advanceTimersByTimeAsync(10);
    expect(polls).toEqual([{ at: 10, names: ['one', 'two'] }]);
  });

  test('polls once at a time, and rests for as long as the poll took', async () => {
    const { wait, polls } = setUp({ tookMs: 300 });
    wait('one');
    await vi.advanceTimersByTimeAsync(20);
    wait('two');
    await vi.advanceTimersByTimeAsync(700);
    expect(polls).toEqual([
      { at: 10, names: ['one'] },
      { at: 610, names: ['one', 'two'] },
    ]);
  });

  test('polls for those that are chosen, and for the others next', async () => {
    const { wait, polls } = setUp({ choose: (due) => due.slice(0, 1) });
    for (const name of ['one', 'two']) wait(name);
    await vi.advanceTimersByTimeAsync(20);
    expect(polls.map(({ names }) => names)).toEqual([['one'], ['two']]);
  });

  test('goes on after a poll that fails', async () => {
    const failure = new Error('the database is away');
    let isAway = true;
    const { wait, errors } = setUp({ poll: () => (isAway ? Promise.reject(failure) : Promise.resolve()) });
    const waiter = wait('one');
    await vi.advanceTimersByTimeAsync(20);
    expect([errors, waiter.hasEnded]).toEqual([[failure], false]);
    isAway = false;
    waiter.isDone = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(waiter.hasEnded).toBe(true);
  });

  test('lets a waiter go when its time is up, its signal aborts, or the schedule is closed', async () => {
    const { schedule, wait } = setUp();
    const leaving = new AbortController();
    const [late, gone, staying] = [wait('late', 50), wait('gone', 10_000, leaving.signal), wait('staying')];
    await vi.advanceTimersByTimeAsync(50);
    leaving.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect([late.hasEnded, gone.hasEnded, staying.hasEnded]).toEqual([true, true, false]);
    schedule.close();
    const after = wait('after');
    await vi.advanceTimersByTimeAsync(0);
    expect([staying.hasEnded, after.hasEnded, vi.getTimerCount()]).toEqual([true, true, 0]);
  });
});
