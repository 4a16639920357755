import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isolateFailures, type Prepared } from './isolate-failures.ts';

const signal = new AbortController().signal;

/** An embedder that refuses every call holding a text it cannot take. */
function embedderRefusing(
  isPoison: (text: string) => boolean,
  error = new AppError('embedding_rejected', 'NaN'),
): Embedder {
  return {
    modelId: 'test',
    dimension: 1,
    maxTokens: 10,
    start: async () => undefined,
    stop: async () => undefined,
    split: async (text) => [text],
    embed: async (texts) => {
      if (texts.some(isPoison)) throw error;
      return texts.map((text) => Float32Array.of(text.length));
    },
  };
}

const both = (embedder: Embedder) => ({ passages: embedder, probe: embedder });

function prepared(texts: readonly string[]): Prepared[] {
  return texts.map((text, index) => ({
    message: { messageId: String(index), content: text, speaker: undefined, contentHash: Buffer.alloc(0), attempts: 1 },
    passages: [text],
  }));
}
const idsOf = (messages: readonly { messageId: string }[]) => messages.map((message) => Number(message.messageId));

describe('isolateFailures', () => {
  test('whatever is poisoned, each message has exactly one outcome, and only poison is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (poisoned) => {
        const texts = poisoned.map((isPoison) => (isPoison ? 'poison' : 'fine'));
        const outcome = await isolateFailures(
          prepared(texts),
          both(embedderRefusing((text) => text === 'poison')),
          signal,
        );
        expect(idsOf(outcome.embedded)).toEqual(poisoned.flatMap((isPoison, index) => (isPoison ? [] : [index])));
        expect(outcome.refused.map((item) => Number(item.message.messageId))).toEqual(
          poisoned.flatMap((isPoison, index) => (isPoison ? [index] : [])),
        );
        expect(outcome.deferred).toEqual([]);
      }),
    );
  });

  test('an embedder that fails for everything defers everything and blames nobody', async () => {
    const away = new AppError('embedding_unavailable', 'connection refused');
    const outcome = await isolateFailures(prepared(['a', 'b', 'c']), both(embedderRefusing(() => true, away)), signal);
    expect(idsOf(outcome.deferred)).toEqual([0, 1, 2]);
    expect(outcome.deferReason).toBe('connection refused');
    expect(outcome.refused).toEqual([]);
  });

  test('what can be tried again is not final, what cannot is', async () => {
    const refusedWith = async (error: AppError) => {
      const outcome = await isolateFailures(
        prepared(['x']),
        both(embedderRefusing((text) => text === 'x', error)),
        signal,
      );
      return outcome.refused[0]?.final;
    };
    expect(await refusedWith(new AppError('embedding_unavailable', 'timed out'))).toBe(false);
    expect(await refusedWith(new AppError('embedding_rejected', 'NaN'))).toBe(true);
  });

  test('a stopping worker gives everything back', async () => {
    const outcome = await isolateFailures(prepared(['a']), both(embedderRefusing(() => false)), AbortSignal.abort());
    expect(idsOf(outcome.deferred)).toEqual([0]);
  });

  test('what could not be split is refused alone while the embedder works, and waits while it does not', async () => {
    const [unsplit, ...others] = prepared(['odd', 'a', 'b']);
    if (unsplit === undefined) throw new Error('no message');
    const batch = [{ ...unsplit, passages: [], splitError: new Error('no such thread') }, ...others];
    const working = await isolateFailures(batch, both(embedderRefusing(() => false)), signal);
    expect(working.refused).toMatchObject([{ message: { messageId: '0' }, reason: 'no such thread', final: false }]);
    expect(idsOf(working.embedded)).toEqual([1, 2]);
    const broken = await isolateFailures(batch, both(embedderRefusing(() => true)), signal);
    expect(idsOf(broken.deferred)).toEqual([0, 1, 2]);
  });

  test('passages of one message stay together, in order', async () => {
    const [message] = prepared(['long']);
    if (message === undefined) throw new Error('no message');
    const outcome = await isolateFailures(
      [{ ...message, passages: ['a', 'bb', 'ccc'] }],
      both(embedderRefusing(() => false)),
      signal,
    );
    expect(outcome.embedded[0]?.vectors.map((vector) => vector[0])).toEqual([1, 2, 3]);
  });
});
