import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { isCircuitOpen } from './embedding-errors.ts';
import { type BreakerState, CircuitBrokenEmbedder, harmlessText, type GuardedEmbedder } from './guarded-embedder.ts';
import { ScriptedEmbedder } from './testing/scripted-embedder.ts';
import { nonEmpty } from '../testing/non-empty.ts';

const fail = (code: 'embedding_unavailable' | 'embedding_rejected') => () => Promise.reject(new AppError(code, code));
const hang = () => new Promise<never>(() => {});

describe('CircuitBrokenEmbedder', () => {
  let inner: ScriptedEmbedder;
  let guarded: GuardedEmbedder;
  let states: BreakerState[];

  beforeEach(() => {
    vi.useFakeTimers();
    inner = new ScriptedEmbedder();
    states = [];
    guarded = new CircuitBrokenEmbedder(inner, {
      name: 'query',
      timeoutMs: 100,
      failureThreshold: 3,
      rejectionThreshold: 5,
      resetTimeoutMs: 10_000,
      onStateChange: (state) => states.push(state),
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const embed = (signal?: AbortSignal) =>
    guarded.embed(['text'], signal ? { kind: 'query', signal } : { kind: 'query' });
  const outcome = () =>
    embed().then(
      () => 'ok',
      (error: unknown) => (isCircuitOpen(error) ? 'open' : 'failed'),
    );

  async function repeat(times: number): Promise<string[]> {
    const outcomes: string[] = [];
    for (let call = 0; call < times; call += 1) outcomes.push(await outcome());
    return outcomes;
  }

  test('passes calls on while all is well', async () => {
    expect(await embed()).toEqual([Float32Array.of(4, 1)]);
    expect(guarded).toMatchObject({ modelId: 'scripted', dimension: 2, maxTokens: 16 });
    expect(guarded.breakerState()).toBe('closed');
    expect(guarded.retryAfterMs()).toBe(0);
  });

  test('opens after failures in a row, and then fails at once with the time to wait', async () => {
    inner.answer = fail('embedding_unavailable');
    expect(await repeat(5)).toEqual(['failed', 'failed', 'failed', 'open', 'open']);
    expect(inner.calls).toHaveLength(3);
    expect(states).toEqual(['open']);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(guarded.breakerState()).toBe('open');
    expect(guarded.retryAfterMs()).toBe(6_000);
    await expect(embed()).rejects.toMatchObject({
      code: 'embedding_unavailable',
      retryAfterMs: 6_000,
      retryAfterSeconds: 6,
    });
  });

  test('does not open when a success lies between failures', async () => {
    const works = inner.answer;
    for (let round = 0; round < 4; round += 1) {
      inner.answer = fail('embedding_unavailable');
      expect(await repeat(2)).toEqual(['failed', 'failed']);
      inner.answer = works;
      expect(await repeat(1)).toEqual(['ok']);
    }
    expect(states).toEqual([]);
  });

  test('lets one call try when its time has come: closes on success, opens again on failure', async () => {
    const works = inner.answer;
    inner.answer = fail('embedding_unavailable');
    await repeat(3);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(guarded.breakerState()).toBe('half_open');
    expect(guarded.retryAfterMs()).toBe(0);
    expect(await repeat(2)).toEqual(['failed', 'open']);
    await vi.advanceTimersByTimeAsync(10_000);
    inner.answer = works;
    expect(await repeat(2)).toEqual(['ok', 'ok']);
    expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
  });

  test('lets no second call through while the first is trying', async () => {
    inner.answer = fail('embedding_unavailable');
    await repeat(3);
    await vi.advanceTimersByTimeAsync(10_000);
    inner.answer = hang;
    const trial = outcome();
    expect(await outcome()).toBe('open');
    expect(guarded.retryAfterMs()).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(await trial).toBe('failed');
    expect(inner.calls).toHaveLength(4);
  });

  test('cancels the work of a call that takes too long, and counts it', async () => {
    inner.answer = hang;
    const slow = [outcome(), outcome(), outcome()];
    const late = embed();
    await Promise.all([expect(late).rejects.toThrow('took longer than 100 ms'), vi.advanceTimersByTimeAsync(100)]);
    expect(await Promise.all(slow)).toEqual(['failed', 'failed', 'failed']);
    expect(nonEmpty(inner.calls.slice(0, 4)).every(({ options }) => options.signal?.aborted)).toBe(true);
    expect(guarded.breakerState(), 'the texts may be at fault').toBe('closed');
    await vi.advanceTimersByTimeAsync(100);
    expect(
      inner.calls.slice(4).map(({ texts }) => texts),
      'one harmless text is tried',
    ).toEqual([[harmlessText]]);
    expect(guarded.breakerState()).toBe('open');
  });

  test('does not open for texts that take too long while a harmless one does not, however many they are', async () => {
    const works = inner.answer;
    inner.answer = (texts, options) => (texts.includes('slow') ? hang() : works(texts, options));
    for (let round = 0; round < 5; round += 1) {
      const slow = Promise.allSettled(Array.from({ length: 8 }, () => guarded.embed(['slow'], { kind: 'query' })));
      await vi.advanceTimersByTimeAsync(100);
      for (const result of await slow) expect(result).toMatchObject({ reason: { code: 'embedding_unavailable' } });
    }
    expect(states).toEqual([]);
    expect(await repeat(1)).toEqual(['ok']);
  });

  test('opens again when the trial call takes too long', async () => {
    inner.answer = fail('embedding_unavailable');
    await repeat(3);
    await vi.advanceTimersByTimeAsync(10_000);
    inner.answer = hang;
    const trial = outcome();
    await vi.advanceTimersByTimeAsync(100);
    expect(await trial).toBe('failed');
    expect(guarded.breakerState()).toBe('open');
  });

  test('counts what the caller aborts neither as failure nor as proof of health', async () => {
    inner.answer = hang;
    const reason = new Error('gone');
    const abortOne = async () => {
      const abort = new AbortController();
      const call = embed(abort.signal);
      abort.abort(reason);
      await expect(call).rejects.toBe(reason);
    };
    for (let call = 0; call < 4; call += 1) await abortOne();
    expect(states).toEqual([]);
    inner.answer = fail('embedding_unavailable');
    await repeat(3);
    await vi.advanceTimersByTimeAsync(10_000);
    inner.answer = hang;
    await abortOne();
    expect(guarded.breakerState()).toBe('open');
  });

  test('takes rejections for the fault of texts, until too many come in a row', async () => {
    inner.answer = fail('embedding_rejected');
    expect(await repeat(4)).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect(states).toEqual([]);
    expect(await repeat(2)).toEqual(['failed', 'open']);
  });

  test('closes when the trial call is merely rejected: the embedder answers', async () => {
    inner.answer = fail('embedding_unavailable');
    await repeat(3);
    await vi.advanceTimersByTimeAsync(10_000);
    inner.answer = fail('embedding_rejected');
    expect(await repeat(1)).toEqual(['failed']);
    expect(guarded.breakerState()).toBe('closed');
  });

  test('answers an empty list without asking, so that it proves nothing', async () => {
    expect(await guarded.embed([], { kind: 'passage' })).toEqual([]);
    expect(inner.calls).toEqual([]);
  });
});
