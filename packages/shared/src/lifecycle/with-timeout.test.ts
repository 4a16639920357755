import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallerAbort, withTimeout } from './with-timeout.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const late = new Error('late');
const limits = { timeoutMs: 1000, late, signal: undefined };
const deaf = () => new Promise<never>(() => undefined);

test('gives what the work gives, and leaves no timer', async () => {
  expect(await withTimeout(() => Promise.resolve('done'), limits)).toBe('done');
  await expect(withTimeout(() => Promise.reject(new Error('wrong')), limits)).rejects.toThrow('wrong');
  expect(vi.getTimerCount()).toBe(0);
});

test('ends work that takes too long, also when it does not obey its signal', async () => {
  const signals: AbortSignal[] = [];
  const outcome = withTimeout((signal) => {
    signals.push(signal);
    return deaf();
  }, limits).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(999);
  expect(signals[0]?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toBe(late);
  expect(signals[0]?.reason).toBe(late);
});

test("ends when the caller aborts, and says that it was the caller's wish", async () => {
  const caller = new AbortController();
  const outcome = withTimeout(deaf, { ...limits, signal: caller.signal }).catch((error: unknown) => error);
  const reason = new Error('gone');
  caller.abort(reason);
  expect(await outcome).toBeInstanceOf(CallerAbort);
  expect(await outcome).toMatchObject({ cause: reason });
  expect(vi.getTimerCount()).toBe(0);
});

test('does not begin for a caller who has aborted already', async () => {
  let begun = 0;
  const work = () => Promise.resolve((begun += 1));
  const signal = AbortSignal.abort(new Error('gone'));
  await expect(withTimeout(work, { ...limits, signal })).rejects.toBeInstanceOf(CallerAbort);
  expect(begun).toBe(0);
});
