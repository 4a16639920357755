import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { GuardedReranker } from './guarded-reranker.ts';
import type { Reranker } from './reranker.ts';

const fail = () => Promise.reject(new AppError('unavailable', 'down'));
const hang = () => new Promise<never>(() => {});

describe('GuardedReranker', () => {
  let answer: Reranker['rerank'];
  let calls: number;
  let states: string[];
  let guarded: Reranker;

  beforeEach(() => {
    vi.useFakeTimers();
    calls = 0;
    states = [];
    answer = async (_, texts) => texts.map((text) => text.length);
    const inner: Reranker = {
      start: async () => undefined,
      stop: async () => undefined,
      rerank: (...args) => {
        calls += 1;
        return answer(...args);
      },
    };
    const onStateChange = (state: string) => void states.push(state);
    guarded = new GuardedReranker(inner, {
      timeoutMs: 100,
      failureThreshold: 3,
      resetTimeoutMs: 10_000,
      onStateChange,
    });
  });
  afterEach(() => vi.useRealTimers());

  const outcome = (signal?: AbortSignal) =>
    guarded.rerank('q', ['text'], signal ? { signal } : {}).then(
      () => 'ok',
      (error: unknown) => (error instanceof Error ? error.message : 'unknown'),
    );

  test('passes calls on, but none without texts', async () => {
    expect(await guarded.rerank('q', ['aa', 'b'])).toEqual([2, 1]);
    expect(await guarded.rerank('q', [])).toEqual([]);
    expect(calls).toBe(1);
  });

  test('opens after failures in a row, fails at once then, and closes when a later trial succeeds', async () => {
    const works = answer;
    answer = fail;
    expect([await outcome(), await outcome()]).toEqual(['down', 'down']);
    answer = works;
    expect(await outcome()).toBe('ok');
    answer = fail;
    expect([await outcome(), await outcome(), await outcome()]).toEqual(['down', 'down', 'down']);
    expect(await outcome()).toBe('The circuit of the reranker is open.');
    expect(calls).toBe(6);
    await vi.advanceTimersByTimeAsync(10_001);
    expect(await outcome()).toBe('down');
    expect(await outcome()).toContain('open');
    await vi.advanceTimersByTimeAsync(10_001);
    answer = works;
    expect([await outcome(), await outcome()]).toEqual(['ok', 'ok']);
    expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
  });

  test('gives up what takes too long, and cancels it', async () => {
    let signal: AbortSignal | undefined;
    answer = (_query, _texts, options) => {
      signal = options?.signal;
      return hang();
    };
    const late = outcome();
    await vi.advanceTimersByTimeAsync(101);
    expect(await late).toBe('The reranker took longer than 100 ms.');
    expect(signal?.aborted).toBe(true);
  });

  test('does not count what its caller aborts', async () => {
    answer = hang;
    for (let n = 0; n < 5; n++) {
      const abort = new AbortController();
      const gone = outcome(abort.signal);
      abort.abort(new Error('gone'));
      expect(await gone).toBe('gone');
    }
    expect(states).toEqual([]);
  });
});
