import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Reranker } from '../reranker/reranker.ts';
import type { RankingWeights } from '../query/search-request.ts';
import type { RankedCandidate } from '../ranking/rank.ts';
import { mergeRerank } from '../ranking/rerank.ts';

export interface HitRerankerDeps {
  /** Guarded by a timeout and a circuit breaker. */
  readonly reranker: Reranker;
  /** How many of the best it is given. */
  readonly candidates: number;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'reranks'>;
}

/** A hit with what it says. */
interface Shown {
  readonly ranked: RankedCandidate;
  readonly row: { readonly content: string };
}

interface Asked {
  readonly query: string;
  readonly weights: RankingWeights;
  readonly signal: AbortSignal;
}

export type HitReranker = ReturnType<typeof createHitReranker>;

export function createHitReranker({ reranker, candidates, logger, metrics }: HitRerankerDeps) {
  return {
    candidates,

    /**
     * Puts hits into the order of the reranker; see {@link mergeRerank}. When it fails they stay as they are, and that
     * is said. @throws the signal's reason.
     */
    async rerank<Item extends Shown>(
      hits: readonly Item[],
      { query, weights, signal }: Asked,
    ): Promise<{ readonly hits: readonly Item[]; readonly reranked: boolean }> {
      try {
        const texts = hits.slice(0, candidates).map(({ row }) => row.content);
        const scores = await reranker.rerank(query, texts, { signal });
        metrics.reranks.inc({ outcome: 'reranked' });
        return { hits: mergeRerank(hits, scores, weights), reranked: true };
      } catch (error) {
        signal.throwIfAborted();
        metrics.reranks.inc({ outcome: 'failed' });
        logger.warn({ err: error }, 'hits not reranked: answering in the order before');
        return { hits, reranked: false };
      }
    },
  };
}
