import { expect, test } from 'vitest';
import { retryUntilDone, backoffMs } from './retry.ts';

const forever = { signal: new AbortController().signal, shouldRetry: () => true, onRetry: () => undefined };

test('tries until it works and reports each wait', async () => {
  const reported: unknown[] = [];
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    if (attempts < 3) throw new Error(`away ${attempts}`);
    return 'there';
  };
  const onRetry = (error: unknown) => void reported.push(error instanceof Error ? error.message : error);
  expect(await retryUntilDone(attempt, { ...forever, onRetry })).toBe('there');
  expect(reported).toEqual(['away 1', 'away 2']);
});

test('what cannot get better is thrown at once', async () => {
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    throw new Error('wrong model');
  };
  await expect(retryUntilDone(attempt, { ...forever, shouldRetry: () => false })).rejects.toThrow('wrong model');
  expect(attempts).toBe(1);
});

test('stops waiting when it is aborted, with the last error', async () => {
  const stop = new AbortController();
  const attempt = () => Promise.reject(new Error('away'));
  const outcome = retryUntilDone(attempt, {
    ...forever,
    signal: stop.signal,
    onRetry: () => setTimeout(() => stop.abort(), 1),
  });
  await expect(outcome).rejects.toThrow('away');
});

test('doubles with every attempt and stays under an hour', () => {
  const longest = (attempt: number) => backoffMs(attempt, 1000, () => 1);
  expect([1, 2, 3, 4].map(longest)).toEqual([1000, 2000, 4000, 8000]);
  expect(longest(60)).toBe(3_600_000);
});

test('takes anything down to nothing', () => {
  expect(backoffMs(3, 1000, () => 0)).toBe(0);
  expect(backoffMs(3, 1000, () => 0.5)).toBe(2000);
});
