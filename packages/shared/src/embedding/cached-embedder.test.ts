import { beforeEach, describe, expect, it } from 'vitest';
import { createCachedEmbedder } from './cached-embedder.ts';
import type { Embedder } from './embedder.ts';
import { ScriptedEmbedder } from './testing/scripted-embedder.ts';

describe('createCachedEmbedder', () => {
  let inner: ScriptedEmbedder;
  let cached: Embedder;

  beforeEach(() => {
    inner = new ScriptedEmbedder();
    cached = createCachedEmbedder(inner, { maxEntries: 3 });
  });

  const asked = () => inner.calls.map(({ texts }) => texts);
  const lengths = (vectors: readonly Float32Array[]) => vectors.map(([length]) => length);

  it('asks for each text once, within a call and across calls, and keeps the order', async () => {
    expect(lengths(await cached.embed(['aa', 'b', 'aa'], { kind: 'passage' }))).toEqual([2, 1, 2]);
    expect(lengths(await cached.embed(['b', 'ccc', 'aa'], { kind: 'passage' }))).toEqual([1, 3, 2]);
    expect(asked()).toEqual([['aa', 'b'], ['ccc']]);
  });

  it('keeps queries and passages apart', async () => {
    await cached.embed(['same'], { kind: 'query' });
    await cached.embed(['same'], { kind: 'passage' });
    expect(inner.calls).toHaveLength(2);
  });

  it('forgets what was used least recently', async () => {
    for (const text of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await cached.embed([text], { kind: 'passage' });
    expect(asked().flat()).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('hands out copies', async () => {
    const [first] = await cached.embed(['aa'], { kind: 'query' });
    first?.fill(0);
    expect(lengths(await cached.embed(['aa'], { kind: 'query' }))).toEqual([2]);
  });

  it('does not remember failures', async () => {
    const works = inner.answer;
    inner.answer = () => Promise.reject(new Error('down'));
    await expect(cached.embed(['aa'], { kind: 'query' })).rejects.toThrow('down');
    inner.answer = works;
    expect(lengths(await cached.embed(['aa'], { kind: 'query' }))).toEqual([2]);
  });

  describe('the same query at the same moment', () => {
    let finish: () => void;

    beforeEach(() => {
      inner.answer = (texts, { signal }) =>
        new Promise((resolve, reject) => {
          finish = () => resolve(texts.map((text) => Float32Array.of(text.length, 1)));
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
    });

    const ask = (signal?: AbortSignal) =>
      cached.embed(['what?'], signal ? { kind: 'query', signal } : { kind: 'query' });

    it('is computed once for all', async () => {
      const answers = [ask(), ask(), ask()];
      finish();
      expect((await Promise.all(answers)).flatMap(lengths)).toEqual([5, 5, 5]);
      expect(inner.calls).toHaveLength(1);
    });

    it('is computed on when one caller goes away, and cancelled when all do', async () => {
      const reason = new Error('gone');
      const [first, second] = [new AbortController(), new AbortController()];
      const answers = [ask(first.signal), ask(second.signal)];
      first.abort(reason);
      await expect(answers[0]).rejects.toBe(reason);
      expect(inner.calls[0]?.options.signal?.aborted).toBe(false);
      second.abort(reason);
      await expect(answers[1]).rejects.toBe(reason);
      expect(inner.calls[0]?.options.signal?.aborted).toBe(true);
    });

    it('starts anew when everybody left, even if the old work goes on', async () => {
      inner.answer = () => new Promise(() => {});
      const abort = new AbortController();
      const left = ask(abort.signal);
      abort.abort(new Error('gone'));
      await expect(left).rejects.toThrow('gone');
      inner.answer = (texts) => Promise.resolve(texts.map((text) => Float32Array.of(text.length, 1)));
      expect(lengths(await ask())).toEqual([5]);
      expect(inner.calls).toHaveLength(2);
    });
  });
});
