import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createGiveWay, createYielder, type GiveWayOptions } from './give-way.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const signal = new AbortController().signal;

/** How long a request pauses after a part of this many milliseconds. */
async function pauseAfter(partMs: number, options: Partial<GiveWayOptions>): Promise<number> {
  const giveWay = createGiveWay({ units: 5, hasOthers: () => true, signal, ...options });
  vi.advanceTimersByTime(partMs);
  const begun = process.hrtime.bigint();
  await giveWay();
  return Number(process.hrtime.bigint() - begun) / 1e6;
}

test('a costly request pauses for as long as a part of its work took, and no longer than a bound', async () => {
  const [short, long] = [await pauseAfter(40, {}), await pauseAfter(5000, {})];
  expect(short).toBeGreaterThanOrEqual(35);
  expect(long).toBeGreaterThanOrEqual(95);
  expect(long).toBeLessThan(1000);
});

test('an ordinary request does not pause, nor one that is alone', async () => {
  expect(await pauseAfter(5000, { units: 2 })).toBeLessThan(50);
  expect(await pauseAfter(5000, { hasOthers: () => false })).toBeLessThan(50);
});

test('its deadline ends the pause', async () => {
  const reason = new Error('late');
  const pausing = pauseAfter(5000, { signal: AbortSignal.abort(reason) });
  await expect(pausing).rejects.toBe(reason);
});

test('a long piece of work lets all else have its turn once some milliseconds have passed, not before', async () => {
  const yieldWhenDue = createYielder();
  let others = 0;
  const other = (): void => void (others += 1);
  setImmediate(other);
  for (let piece = 0; piece < 100; piece += 1) await yieldWhenDue();
  expect(others).toBe(0);
  vi.advanceTimersByTime(6);
  await yieldWhenDue();
  expect(others).toBe(1);
  setImmediate(other);
  await yieldWhenDue();
  expect(others).toBe(1);
});
