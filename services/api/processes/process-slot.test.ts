import { createLogger } from '@memory-layer/shared/observability/logger';
import { StartRefused } from '@memory-layer/shared/process/run-process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ApiProcess, Ended } from './api-process.ts';
import { ProcessSlot } from './process-slot.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface FakeProcess extends ApiProcess {
  begin(): Promise<void>;
  end(ended?: Partial<Ended>): Promise<void>;
  readonly told: readonly string[];
}

function fakeProcess(): FakeProcess {
  const begun = Promise.withResolvers<'started' | Ended>();
  const ended = Promise.withResolvers<Ended>();
  const told: string[] = [];
  return {
    number: 1,
    pid: 1,
    begun: begun.promise,
    ended: ended.promise,
    metrics: [],
    refresh: async () => undefined,
    problem: async () => undefined,
    retire: () => void told.push('retire'),
    kill: (signal) => void told.push(signal),
    told,
    async begin() {
      begun.resolve('started');
      await vi.advanceTimersByTimeAsync(0);
    },
    async end({ code = null, signal = null } = {}) {
      begun.resolve({ code, signal });
      ended.resolve({ code, signal });
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

function createSlot() {
  const started: FakeProcess[] = [];
  const reasons: string[] = [];
  const slot = new ProcessSlot(1, {
    start() {
      const next = fakeProcess();
      started.push(next);
      return next;
    },
    onEnded: (reason) => void reasons.push(reason),
    logger: createLogger({ service: 'test', level: 'silent' }),
    retireMs: 1000,
  });
  const nth = (n: number): FakeProcess => {
    const found = started[n];
    if (found === undefined) throw new Error(`process ${n} was not started`);
    return found;
  };
  return { slot, started, reasons, nth };
}

async function openSlot() {
  const all = createSlot();
  const opening = all.slot.open();
  await all.nth(0).begin();
  await opening;
  return all;
}

test.each([
  { ended: { code: 2 }, code: 2, message: '' },
  { ended: { code: 0 }, code: 1, message: 'process 1 of the api ended with code 0 before it had started' },
  { ended: { signal: 'SIGKILL' }, code: 1, message: 'process 1 of the api was ended by SIGKILL before it had started' },
] as const)('a first process that ends with $ended ends the service', async ({ ended, code, message }) => {
  const { slot, nth } = createSlot();
  const opening = slot.open().catch((error: unknown) => error);
  await nth(0).end(ended);
  const error = await opening;
  expect(error).toBeInstanceOf(StartRefused);
  expect(error).toMatchObject({ exitCode: code, message });
});

test('a process that ends is replaced at once, then after one second, two, four', async () => {
  const { slot, started, reasons, nth } = await openSlot();
  await nth(0).end({ signal: 'SIGKILL' });
  expect(slot.current).toBeUndefined();
  expect(started).toHaveLength(2);
  await nth(1).begin();
  expect(slot.current).toBe(nth(1));
  await nth(1).end({ code: 1 });
  for (const [count, pauseMs] of [1000, 2000, 4000].entries()) {
    await vi.advanceTimersByTimeAsync(pauseMs - 1);
    expect(started).toHaveLength(2 + count);
    await vi.advanceTimersByTimeAsync(1);
    expect(started).toHaveLength(3 + count);
    // It does not even start.
    await nth(2 + count).end({ code: 1 });
  }
  expect(reasons).toEqual(['failed', 'failed']);
});

test('after a minute an end is a first one again', async () => {
  const { started, nth } = await openSlot();
  for (const n of [0, 1, 2]) {
    await vi.advanceTimersByTimeAsync(60_000);
    await nth(n).end({ code: 1 });
    await nth(n + 1).begin();
  }
  expect(started).toHaveLength(4);
});

test('a replaced process goes on until the next one has started, and is killed when it does not end', async () => {
  const { slot, reasons, nth } = await openSlot();
  const replacing = slot.replace();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(slot.current).toBe(nth(0));
  expect(nth(0).told).toEqual([]);
  await nth(1).begin();
  expect(slot.current).toBe(nth(1));
  expect(nth(0).told).toEqual(['retire']);
  await vi.advanceTimersByTimeAsync(1000);
  expect(nth(0).told).toEqual(['retire', 'SIGKILL']);
  await nth(0).end({ signal: 'SIGKILL' });
  expect(await replacing).toBe(true);
  expect(reasons).toEqual(['restarted']);
});

test('a process stays when the next one does not start', async () => {
  const { slot, started, nth } = await openSlot();
  const replacing = slot.replace();
  await vi.advanceTimersByTimeAsync(0);
  await nth(1).end({ code: 2 });
  expect(await replacing).toBe(false);
  expect(slot.current).toBe(nth(0));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(2);
});

test('one that ends while its successor does not start either is started again later', async () => {
  const { slot, started, nth } = await openSlot();
  const replacing = slot.replace();
  await vi.advanceTimersByTimeAsync(0);
  await nth(0).end({ signal: 'SIGSEGV' });
  await nth(1).end({ code: 2 });
  expect(await replacing).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(started).toHaveLength(3);
});

test('nothing is started once it is closed', async () => {
  const { slot, started, nth } = await openSlot();
  slot.close();
  await nth(0).end({ code: 0 });
  expect(await slot.replace()).toBe(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(1);
});
