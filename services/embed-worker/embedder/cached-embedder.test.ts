import { beforeEach, describe, expect, test } from 'vitest';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { ScriptedEmbedder } from '@memory-layer/shared/embedding/testing/scripted-embedder';
import { CachedEmbedder } from './cached-embedder.ts';

describe('CachedEmbedder', () => {
  let inner: ScriptedEmbedder;
  let cached: Embedder;

  beforeEach(() => {
    inner = new ScriptedEmbedder();
    cached = new CachedEmbedder(inner, { maxEntries: 3 });
  });

  const asked = () => inner.calls.map(({ texts }) => texts);
  const lengths = (vectors: readonly Float32Array[]) => vectors.map(([length]) => length);

  test('asks for each text once, within a call and across calls, and keeps the order', async () => {
    expect(lengths(await cached.embed(['aa', 'b', 'aa'], { kind: 'passage' }))).toEqual([2, 1, 2]);
    expect(lengths(await cached.embed(['b', 'ccc', 'aa'], { kind: 'passage' }))).toEqual([1, 3, 2]);
    expect(asked()).toEqual([['aa', 'b'], ['ccc']]);
  });

  test('keeps queries and passages apart', async () => {
    await cached.embed(['same'], { kind: 'query' });
    await cached.embed(['same'], { kind: 'passage' });
    expect(inner.calls).toHaveLength(2);
  });

  test('forgets what was used least recently', async () => {
    for (const text of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await cached.embed([text], { kind: 'passage' });
    expect(asked().flat()).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  test('hands out copies', async () => {
    const [first] = await cached.embed(['aa'], { kind: 'query' });
    first?.fill(0);
    expect(lengths(await cached.embed(['aa'], { kind: 'query' }))).toEqual([2]);
  });

  test('keeps what was finished of a call that failed', async () => {
    const works = inner.answer;
    inner.answer = async ([first = '', ...others], { onPart }) => {
      onPart?.(0, [Float32Array.of(first.length, 1)]);
      throw new Error(`down after one, ${others.length} left`);
    };
    await expect(cached.embed(['aa', 'b', 'ccc'], { kind: 'passage' })).rejects.toThrow('2 left');
    inner.answer = works;
    expect(lengths(await cached.embed(['aa', 'b', 'ccc'], { kind: 'passage' }))).toEqual([2, 1, 3]);
    expect(asked()[1]).toEqual(['b', 'ccc']);
  });

  test('does not remember failures', async () => {
    const works = inner.answer;
    inner.answer = () => Promise.reject(new Error('down'));
    await expect(cached.embed(['aa'], { kind: 'query' })).rejects.toThrow('down');
    inner.answer = works;
    expect(lengths(await cached.embed(['aa'], { kind: 'query' }))).toEqual([2]);
  });
});
