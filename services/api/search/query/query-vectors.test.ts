import { beforeEach, describe, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '@memory-layer/shared/observability/metrics';
import { ScriptedEmbedder } from '@memory-layer/shared/embedding/testing/scripted-embedder';
import { QueryVectors, type QueryVector } from './query-vectors.ts';

const dimension = 2;
/** Of an entry: two vectors of four bytes a number, their literals, and what is around them. */
const entryBytes = 500;

let inner: ScriptedEmbedder;
let metrics: Metrics;
let active: { generation: number; centre: Float32Array };
let vectors: QueryVectors;

beforeEach(() => {
  inner = new ScriptedEmbedder();
  metrics = createMetrics();
  active = { generation: 1, centre: Float32Array.of(0, 0) };
  vectors = createVectors(100 * entryBytes);
});

function createVectors(maxCacheBytes: number): QueryVectors {
  const generations = {
    getActive: () => ({ generation: active.generation, modelId: 'scripted', dimension, queryCentre: active.centre }),
    getQueryCentre: async () => active.centre,
  };
  return new QueryVectors({ embedder: inner, generations, maxCacheBytes, metrics });
}

const find = (text: string, signal = new AbortController().signal) => vectors.find(text, signal);
const asked = () => inner.calls.flatMap(({ texts }) => texts);
async function counted(source: string): Promise<number> {
  const { values } = await metrics.queryVectors.get();
  return values.find(({ labels }) => labels.source === source)?.value ?? 0;
}

describe('QueryVectors', () => {
  test('gives a vector as the model made it and one that is centred, with their generation', async () => {
    active.centre = Float32Array.of(0, 1);
    const found = await find('four');
    expect(found).toEqual({ generation: 1, plain: Float32Array.of(4, 1), centred: Float32Array.of(1, 0) });
    expect(inner.calls[0]?.options.kind).toBe('query');
  });

  test('asks the model, its tokenizer included, once for a text, however it is padded', async () => {
    let splits = 0;
    inner.split = async (text) => {
      splits += 1;
      return [text];
    };
    const [one, two] = [await find('what?'), await find('  what?\n')];
    expect(two).toBe(one);
    expect([asked(), splits]).toEqual([['what?'], 1]);
    expect([await counted('model'), await counted('cache')]).toEqual([1, 1]);
  });

  test('takes the mean direction of a long query, and none of its parts is lost', async () => {
    inner.split = async () => ['a', 'b'];
    inner.answer = async () => [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const { plain } = await find('long');
    expect(Array.from(plain, (value) => value.toFixed(4))).toEqual(['0.7071', '0.7071']);
  });

  test('forgets what was used least recently when its memory is full', async () => {
    vectors = createVectors(3 * entryBytes);
    for (const text of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await find(text);
    expect(asked()).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  test('keeps nothing without memory', async () => {
    vectors = createVectors(0);
    await find('a');
    await find('a');
    expect(asked()).toEqual(['a', 'a']);
  });

  test('does not keep a whole batch alive for one vector of it', async () => {
    const batch = new Float32Array(2000);
    inner.answer = async () => [batch.subarray(2, 4)];
    batch.set([1, 0], 2);
    const { plain, centred } = await find('a');
    expect([plain.buffer.byteLength, centred.buffer.byteLength]).toEqual([8, 8]);
  });

  test('does not remember failures', async () => {
    const works = inner.answer;
    inner.answer = () => Promise.reject(new Error('down'));
    await expect(find('a')).rejects.toThrow('down');
    inner.answer = works;
    expect((await find('a')).plain).toEqual(Float32Array.of(1, 1));
  });
});

describe('another generation', () => {
  test('has vectors of its own: none of the one before is given for it', async () => {
    const before = await find('a');
    active = { generation: 2, centre: Float32Array.of(0, 1) };
    const after = await find('a');
    expect([before.generation, after.generation]).toEqual([1, 2]);
    expect(after.centred).not.toEqual(before.centred);
    active = { ...active, generation: 1 };
    expect(await find('a')).toBe(before);
  });

  test('that became active during the computation is computed for', async () => {
    const works = inner.answer;
    inner.answer = async (texts, options) => {
      inner.answer = works;
      active = { generation: 2, centre: Float32Array.of(0, 1) };
      return works(texts, options);
    };
    expect(await find('a')).toMatchObject({ generation: 2, centred: Float32Array.of(1, 0) });
    expect(asked()).toEqual(['a', 'a']);
    await find('a');
    expect(asked()).toHaveLength(2);
  });
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

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('is computed once for all', async () => {
    const answers = [find('what?'), find('what?'), find('what?')];
    await turn();
    finish();
    const found: QueryVector[] = await Promise.all(answers);
    expect(new Set(found).size).toBe(1);
    expect(asked()).toEqual(['what?']);
    expect([await counted('model'), await counted('shared')]).toEqual([1, 2]);
  });

  test('is computed on when one caller goes away, and cancelled when all do', async () => {
    const reason = new Error('gone');
    const [first, second] = [new AbortController(), new AbortController()];
    const answers = [find('what?', first.signal), find('what?', second.signal)];
    await turn();
    first.abort(reason);
    await expect(answers[0]).rejects.toBe(reason);
    expect(inner.calls[0]?.options.signal?.aborted).toBe(false);
    second.abort(reason);
    await expect(answers[1]).rejects.toBe(reason);
    expect(inner.calls[0]?.options.signal?.aborted).toBe(true);
  });

  test('starts anew when everybody left, even if the old work goes on', async () => {
    inner.answer = () => new Promise(() => {});
    const abort = new AbortController();
    const left = find('what?', abort.signal);
    abort.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    inner.answer = async (texts) => texts.map((text) => Float32Array.of(text.length, 1));
    expect((await find('what?')).plain).toEqual(Float32Array.of(5, 1));
  });
});
