import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reranker } from '../reranker.ts';

const query = 'Which city does my sister live in?';
const answer = 'My sister Ana moved to the city of Lisbon in May.';
const others = ['Water the tomatoes.', 'The report is due on Friday.', 'We slept in a tent.'];

/** The numbers of the texts, best first. */
function orderOf(scores: readonly number[]): number[] {
  return [...scores.keys()].toSorted((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0));
}

/**
 * What every {@link Reranker} must do, whatever model is behind it. The model must count words that two texts share.
 *
 * @param create makes one that has not been started; called several times.
 */
export function describeReranker(name: string, create: () => Reranker): void {
  describe(`Reranker contract: ${name}`, () => {
    let reranker: Reranker;

    beforeAll(async () => {
      reranker = create();
      await reranker.start();
    });
    afterAll(() => reranker.stop());

    test('gives each text a score in its place, the answer the highest', async () => {
      const scores = await reranker.rerank(query, [...others, answer]);
      expect(scores).toHaveLength(4);
      expect(scores.every(Number.isFinite)).toBe(true);
      expect(orderOf(scores)[0]).toBe(3);
      const alone = await Promise.all([answer, others[0] ?? ''].map((text) => reranker.rerank(query, [text])));
      expect(alone.flat()[0]).toBeCloseTo(scores[3] ?? Number.NaN, 4);
      expect(alone.flat()[1]).toBeCloseTo(scores[0] ?? Number.NaN, 4);
    });

    test('takes many texts, long ones and blank ones', async () => {
      const long = 'We walked along the coast. '.repeat(2000);
      const texts = Array.from({ length: 130 }, (_, n) => (n === 77 ? answer : `${others[n % 3]} ${n}`));
      const scores = await reranker.rerank(query, [...texts, long, '   ']);
      expect(scores).toHaveLength(132);
      expect(scores.every(Number.isFinite)).toBe(true);
      expect(orderOf(scores)[0]).toBe(77);
    });

    test('serves concurrent calls without mixing them up', async () => {
      const calls = Array.from({ length: 6 }, (_, n) => [...others.slice(0, n % 4), answer]);
      const found = await Promise.all(calls.map((texts) => reranker.rerank(query, texts)));
      expect(found.map((scores) => orderOf(scores)[0])).toEqual(calls.map((texts) => texts.length - 1));
    });

    test('answers nothing with nothing', async () => {
      expect(await reranker.rerank(query, [])).toEqual([]);
    });

    test('rejects with the reason of its signal, before and during the work', async () => {
      const reason = new Error('the caller went away');
      await expect(reranker.rerank(query, [answer], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const abort = new AbortController();
      const texts = Array.from({ length: 500 }, (_, n) => `${answer} ${n}`);
      const during = reranker.rerank(query, texts, { signal: abort.signal });
      setImmediate(() => abort.abort(reason));
      await expect(during).rejects.toBe(reason);
      expect(await reranker.rerank(query, [answer])).toHaveLength(1);
    });

    test('may be started twice and stopped twice, and refuses work before and after', async () => {
      const other = create();
      const refused = { code: 'unavailable' };
      await expect(other.rerank(query, [answer])).rejects.toMatchObject(refused);
      await Promise.all([other.start(), other.start()]);
      expect(await other.rerank(query, [answer])).toHaveLength(1);
      const inFlight = Promise.allSettled([other.rerank(query, others)]);
      await Promise.all([other.stop(), other.stop()]);
      await inFlight;
      await expect(other.rerank(query, [answer])).rejects.toMatchObject(refused);
    });
  });
}
