import type { RankingWeights } from '../query/search-request.ts';
import { echoShare } from './echo.ts';
import type { RankedCandidate } from './rank.ts';

/**
 * The best of a ranking in the order that a reranker gives them, the others behind them as they were. A reranked hit's
 * relevance is the reranker's score, of a question that repeats the query a share of it; importance and decay count beside it as they did. Ties keep their order.
 *
 * @param ranked best first.
 * @param scores of the first so many of them; finite. Probabilities are taken as they are, others scaled to 0..1.
 */
export function mergeRerank<Item extends { readonly ranked: RankedCandidate }>(
  ranked: readonly Item[],
  scores: readonly number[],
  weights: RankingWeights,
): Item[] {
  const shares = toShares(scores);
  const weightSum = weights.relevance + weights.importance + weights.decay;
  const best = ranked.slice(0, scores.length).map((item, index) => {
    const { importance, decay, echo } = item.ranked.breakdown;
    const rerank = (shares[index] ?? 0) * (echo ? echoShare(weights.echo) : 1);
    const weighted = weights.relevance * rerank + weights.importance * importance + weights.decay * decay;
    const breakdown = { ...item.ranked.breakdown, rerank };
    return { ...item, ranked: { ...item.ranked, score: weighted / weightSum, breakdown } };
  });
  return [...best.toSorted((a, b) => b.ranked.score - a.ranked.score), ...ranked.slice(scores.length)];
}

/** 0 to 1: some servers give probabilities, others what their model says before that. */
function toShares(scores: readonly number[]): readonly number[] {
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  if (least >= 0 && most <= 1) return scores;
  return scores.map((score) => (most > least ? (score - least) / (most - least) : 1));
}
