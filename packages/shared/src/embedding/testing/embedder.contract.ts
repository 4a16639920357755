import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError } from '../../errors/app-error.ts';
import type { Embedder } from '../embedder.ts';
import { dot, norm } from '../vector.ts';

const passage = { kind: 'passage' } as const;

/** Integer models may depend slightly on batch mates: equal means nearly so. */
const sameSimilarity = 0.999;

const texts = [
  'My cat sleeps on the warm windowsill all afternoon.',
  'The kitten naps in the sunny window every day.',
  'Interest rates were raised by a quarter of a percent.',
  'Ok.',
  'Please remember that I am allergic to peanuts, and that my brother cannot eat anything with gluten in it.',
];

const longText = Array.from(
  { length: 120 },
  (_, index) => `In week ${index} we walked ${index * 3} kilometres along the coast and slept in a tent.`,
).join(' ');

const bare = (text: string): string => text.replaceAll(/\s+/gu, '');

async function vectorOf(embedder: Embedder, text: string): Promise<Float32Array> {
  const [vector] = await embedder.embed([text], passage);
  if (!vector) throw new Error('no vector');
  return vector;
}

function describeVectors(embedder: () => Embedder): void {
  test('gives one vector of length one and of the right dimension per text', async () => {
    for (const kind of ['query', 'passage'] as const) {
      const vectors = await embedder().embed(texts, { kind });
      expect(vectors.map((vector) => vector.length)).toEqual(texts.map(() => embedder().dimension));
      for (const vector of vectors) expect(norm(vector)).toBeCloseTo(1, 4);
    }
  });

  test('keeps the order, and a text means the same whatever it is batched with', async () => {
    const together = await embedder().embed(texts, passage);
    for (const [index, text] of texts.entries()) {
      const alone = await vectorOf(embedder(), text);
      expect(dot(alone, together[index] ?? new Float32Array())).toBeGreaterThan(sameSimilarity);
    }
  });

  test('puts texts that mean the same nearer than unrelated ones', async () => {
    const [cat, kitten, rates] = await embedder().embed(texts, passage);
    if (!cat || !kitten || !rates) throw new Error('vectors are missing');
    expect(dot(cat, kitten)).toBeGreaterThan(dot(cat, rates) + 0.1);
  });

  test('serves concurrent calls without mixing them up', async () => {
    const calls = Array.from({ length: 12 }, (_, index) => texts[index % texts.length] ?? '');
    const vectors = await Promise.all(calls.map((text) => vectorOf(embedder(), text)));
    const expected = await embedder().embed(calls, passage);
    vectors.forEach((vector, index) => {
      expect(dot(vector, expected[index] ?? new Float32Array())).toBeGreaterThan(sameSimilarity);
    });
  });
}

function describeInput(embedder: () => Embedder): void {
  test('answers nothing with nothing', async () => {
    expect(await embedder().embed([], passage)).toEqual([]);
  });

  test('refuses a blank text and says which one', async () => {
    const refused = embedder().embed(['fine', ' \n\t '], passage);
    await expect(refused).rejects.toMatchObject({ code: 'embedding_rejected' });
    await expect(refused).rejects.toThrow('Text 1 of 2 is blank');
  });

  test('rejects with the reason of its signal, before and during the work', async () => {
    const reason = new Error('the caller went away');
    const before = embedder().embed(texts, { kind: 'query', signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    const abort = new AbortController();
    const many = Array.from({ length: 200 }, (_, index) => `${texts[index % texts.length]} ${index}`);
    const during = embedder().embed(many, { kind: 'passage', signal: abort.signal });
    setImmediate(() => abort.abort(reason));
    await expect(during).rejects.toBe(reason);
    expect(await embedder().embed(['still alive'], passage)).toHaveLength(1);
  });

  test('leaves a short text whole and cuts a long one into passages that hold all of it', async () => {
    expect(await embedder().split('  A short text. ')).toEqual(['A short text.']);
    expect(await embedder().split('  ')).toEqual([]);
    const passages = await embedder().split(longText);
    expect(passages.length).toBeGreaterThan(1);
    expect(bare(passages.join(''))).toBe(bare(longText));
    expect(await embedder().embed(passages, passage)).toHaveLength(passages.length);
  });
}

function describeLife(create: () => Embedder): void {
  test('may be started twice and stopped twice, and refuses work before and after', async () => {
    const embedder = create();
    await embedder.stop();
    const unavailable = { code: 'embedding_unavailable' };
    await expect(embedder.embed(['early'], passage)).rejects.toMatchObject(unavailable);
    await Promise.all([embedder.start(), embedder.start()]);
    await embedder.start();
    expect(await embedder.embed(['on time'], passage)).toHaveLength(1);
    await Promise.all([embedder.stop(), embedder.stop()]);
    await embedder.stop();
    await expect(embedder.embed(['late'], passage)).rejects.toMatchObject(unavailable);
  });

  test('settles what is in flight when it is stopped', async () => {
    const embedder = create();
    await embedder.start();
    const calls = Array.from({ length: 10 }, (_, call) =>
      embedder.embed(
        texts.map((text) => `${text} ${call}`),
        passage,
      ),
    );
    const settled = Promise.allSettled(calls);
    await embedder.stop();
    const asExpected = (await settled).map((result) =>
      result.status === 'fulfilled' ? result.value.length === texts.length : result.reason instanceof AppError,
    );
    expect(asExpected).toEqual(calls.map(() => true));
  });
}

/**
 * What every {@link Embedder} must do, whatever model is behind it. The model must know some English.
 *
 * @param create makes an embedder that has not been started; called several times.
 */
export function describeEmbedder(name: string, create: () => Embedder): void {
  describe(`Embedder contract: ${name}`, () => {
    let running: Embedder;

    beforeAll(async () => {
      running = create();
      await running.start();
    });

    afterAll(() => running.stop());

    describeVectors(() => running);
    describeInput(() => running);
    describeLife(create);
  });
}
