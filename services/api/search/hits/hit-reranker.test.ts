import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { expect, test } from 'vitest';
import type { Reranker } from '../reranker/reranker.ts';
import { rankedHit } from '../../testing/ranked-hit.ts';
import { defaultWeights } from '../ranking/weights.ts';
import { createHitReranker } from './hit-reranker.ts';

const hits = ['one', 'two', 'three'].map((content, index) => ({
  ranked: rankedHit(content, 0.9 - index / 10),
  row: { content },
}));

function create(rerank: Reranker['rerank']) {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const reranker = { start: async () => undefined, stop: async () => undefined, rerank };
  const hitReranker = createHitReranker({ reranker, candidates: 2, logger, metrics: createMetrics() });
  const ask = (signal = new AbortController().signal) =>
    hitReranker.rerank(hits, { query: 'what?', weights: defaultWeights, signal });
  return { ask, lines };
}

const order = (items: readonly { readonly row: { readonly content: string } }[]) => items.map(({ row }) => row.content);

test('the best are given with the query, and come back in the new order', async () => {
  const asked: unknown[] = [];
  const { ask } = create(async (...given) => {
    asked.push(given.slice(0, 2));
    return [0, 1];
  });
  const { hits: found, reranked } = await ask();
  expect([order(found), reranked]).toEqual([['two', 'one', 'three'], true]);
  expect(asked).toEqual([['what?', ['one', 'two']]]);
});

test('when it fails they stay as they were, and that is said and logged', async () => {
  const { ask, lines } = create(() => Promise.reject(new Error('down')));
  const { hits: found, reranked } = await ask();
  expect([order(found), reranked]).toEqual([['one', 'two', 'three'], false]);
  expect(lines.join('')).toContain('not reranked');
});

test('a caller that has gone away is not answered', async () => {
  const abort = new AbortController();
  const { ask } = create(() => {
    abort.abort(new Error('gone'));
    return Promise.reject(new Error('cancelled'));
  });
  await expect(ask(abort.signal)).rejects.toThrow('gone');
});
