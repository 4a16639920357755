import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { CircuitOpenError } from '@memory-layer/shared/embedding/embedding-errors';
import { ScriptedEmbedder } from '@memory-layer/shared/embedding/testing/scripted-embedder';
import { tokensOf } from '@memory-layer/shared/embedding/work-estimate';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { BatchingEmbedder } from './batching-embedder.ts';

const passage = { kind: 'passage' } as const;
const texts = (count: number, name = 'text') => Array.from({ length: count }, (_, n) => `${name} ${n}`);

/** The vector of a text: its length, and the number after its name. */
function createEmbedder() {
  const scripted = new ScriptedEmbedder();
  const vectorOf = (text: string) => Float32Array.of(text.length, Number(text.split(' ')[1] ?? 0));
  scripted.answer = async (batch) => batch.map(vectorOf);
  return { scripted, embedder: new BatchingEmbedder(scripted, { timeoutMs: 30_000 }), vectorOf };
}

describe('BatchingEmbedder', () => {
  test('gives each call its own vectors in order, however they were batched', async () => {
    const { embedder, vectorOf } = createEmbedder();
    const calls = [texts(3, 'a'), texts(70, 'bb'), texts(1, 'ccc'), []];
    const answers = await Promise.all(calls.map((call) => embedder.embed(call, passage)));
    expect(answers).toEqual(calls.map((call) => call.map(vectorOf)));
  });

  test('batches texts of several callers in one call of the model', async () => {
    const { scripted, embedder } = createEmbedder();
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => embedder.embed(texts(3, name), passage)));
    expect(scripted.calls.map((call) => call.texts.length)).toEqual([12]);
  });

  test('gives a slow model few texts at a time', async () => {
    const { scripted, embedder } = createEmbedder();
    await Promise.all(Array.from({ length: 10 }, (_, n) => embedder.embed(texts(30, `t${n}`), passage)));
    expect(Math.max(...scripted.calls.slice(0, 8).map((call) => call.texts.length))).toBeLessThanOrEqual(16);
  });

  test('bounds a call by tokens, before and after it has learnt how fast the model is', async () => {
    const { scripted, embedder, vectorOf } = createEmbedder();
    const msPerToken = 0.02;
    scripted.answer = async (batch) => {
      await sleep(tokensOf(batch) * msPerToken);
      return batch.map(vectorOf);
    };
    const timeoutMs = 120;
    const fast = new BatchingEmbedder(scripted, { timeoutMs });
    const long = Array.from({ length: 60 }, (_, n) => `${'x'.repeat(1200)} ${n}`);
    await embedder.embed(long.slice(0, 1), passage);
    await fast.embed(long, passage);
    expect(tokensOf(scripted.calls[0]?.texts ?? [])).toBeLessThanOrEqual(768);
    await fast.embed(long, passage);
    // A quarter of the limit, whatever the timer adds to it.
    const mostTokens = Math.max(...scripted.calls.map((call) => tokensOf(call.texts)));
    expect(mostTokens).toBeLessThanOrEqual(timeoutMs / 4 / msPerToken + 768);
  });

  test('hands out what is finished when the rest of a call fails', async () => {
    const { scripted, embedder, vectorOf } = createEmbedder();
    scripted.answer = async (batch) => {
      if (batch.includes('text 40')) throw new AppError('embedding_unavailable', 'took too long');
      return batch.map(vectorOf);
    };
    const kept = new Map<number, Float32Array>();
    const onPart = (from: number, vectors: readonly Float32Array[]) =>
      vectors.forEach((vector, index) => kept.set(from + index, vector));
    await expect(embedder.embed(texts(64), { ...passage, onPart })).rejects.toThrow('took too long');
    await eventually(() => expect(kept.size).toBe(48));
    expect([...kept.keys()].toSorted((a, b) => a - b)).toEqual([...texts(64).keys()].filter((n) => n < 32 || n >= 48));
    for (const [n, vector] of kept) expect(vector).toEqual(vectorOf(`text ${n}`));
  });

  test('fails the caller whose text it is, and not those batched with it', async () => {
    const { scripted, embedder, vectorOf } = createEmbedder();
    scripted.answer = async (batch) => {
      if (batch.includes('poison 0')) throw new AppError('embedding_rejected', 'NaN');
      return batch.map(vectorOf);
    };
    const [fine, poison] = await Promise.allSettled([
      embedder.embed(texts(2, 'fine'), passage),
      embedder.embed(texts(1, 'poison'), passage),
    ]);
    expect(fine).toEqual({ status: 'fulfilled', value: texts(2, 'fine').map(vectorOf) });
    expect(poison).toMatchObject({ status: 'rejected', reason: { code: 'embedding_rejected' } });
  });

  test('does not try each alone while the circuit is open', async () => {
    const { scripted, embedder } = createEmbedder();
    scripted.answer = () => Promise.reject(new CircuitOpenError('passage', 1000));
    const outcomes = await Promise.allSettled([embedder.embed(['a 1'], passage), embedder.embed(['b 1'], passage)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(scripted.calls).toHaveLength(1);
  });

  test('cancels the work once nobody waits for it, and not before', async () => {
    const { scripted, embedder, vectorOf } = createEmbedder();
    const signals: (AbortSignal | undefined)[] = [];
    let model = Promise.withResolvers<void>();
    scripted.answer = async (batch, { signal }) => {
      signals.push(signal);
      await model.promise;
      return batch.map(vectorOf);
    };
    const isAsked = (times: number) => eventually(() => expect(signals).toHaveLength(times));
    const [leaver, stayer] = [new AbortController(), new AbortController()];
    const left = embedder.embed(['a 1'], { ...passage, signal: leaver.signal });
    const stayed = embedder.embed(['b 1'], { ...passage, signal: stayer.signal });
    await isAsked(1);
    leaver.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(signals[0]?.aborted).toBe(false);
    model.resolve();
    expect(await stayed).toEqual([vectorOf('b 1')]);
    model = Promise.withResolvers();
    const last = embedder.embed(['c 1'], { ...passage, signal: stayer.signal });
    await isAsked(2);
    stayer.abort(new Error('gone too'));
    await expect(last).rejects.toThrow('gone too');
    expect(signals[1]?.aborted).toBe(true);
  });

  test('lets a caller with one text past those with many', async () => {
    const { scripted, embedder, vectorOf } = createEmbedder();
    const gate = Promise.withResolvers<void>();
    scripted.answer = async (batch) => {
      if (batch.length > 1) await gate.promise;
      return batch.map(vectorOf);
    };
    const flood = embedder.embed(texts(2000), passage);
    expect(await embedder.embed(['single 1'], passage)).toEqual([vectorOf('single 1')]);
    gate.resolve();
    expect(await flood).toHaveLength(2000);
  });

  test('lets queries pass', async () => {
    const { scripted, embedder } = createEmbedder();
    await Promise.all([embedder.embed(['a 1'], { kind: 'query' }), embedder.embed(['b 1'], { kind: 'query' })]);
    expect(scripted.calls.map((call) => call.texts)).toEqual([['a 1'], ['b 1']]);
  });
});
