import { sum } from '../harness/statistics.ts';
import type { EvidenceGroup } from './chat.ts';

/** What a ranking is judged by: turns first, then sessions. All values 0 to 1. */
export const metricNames = [
  'R@5',
  'R@10',
  'R@20',
  'R@50',
  'all@10',
  'all@20',
  'nDCG@10',
  'MRR',
  'session R@5',
  'session R@10',
] as const;
export type MetricName = (typeof metricNames)[number];

/** One value a metric, in the order of `metricNames`; null where a question has no evidence of that sort. */
export type MetricValues = readonly (number | null)[];

export interface Rankings {
  readonly turns: readonly string[];
  readonly sessions: readonly string[];
}

export interface Evidence {
  readonly turns: readonly EvidenceGroup[];
  readonly sessions: readonly EvidenceGroup[];
}

/**
 * Judges a question by its rankings, best first. Recall@k is the share of the evidence among the first k, all@k whether
 * all of it is; nDCG has gains of 0 or 1 (Järvelin and Kekäläinen, 2002); the reciprocal rank is that of the first
 * evidence. A group of evidence counts once, at its first member.
 */
export function judge(rankings: Rankings, evidence: Evidence): MetricValues {
  const turns = ranksOf(rankings.turns, evidence.turns);
  const sessions = ranksOf(rankings.sessions, evidence.sessions);
  return [
    ...[5, 10, 20, 50].map((k) => recall(turns, k)),
    ...[10, 20].map((k) => isComplete(turns, k)),
    ndcg(turns, 10),
    reciprocalRank(turns),
    recall(sessions, 5),
    recall(sessions, 10),
  ];
}

/** Rank of each piece of evidence, from 1; undefined where the ranking does not have it. */
export function ranksOf(ranking: readonly string[], evidence: readonly EvidenceGroup[]): (number | undefined)[] {
  const rankOf = new Map(ranking.map((id, index) => [id, index + 1] as const).toReversed());
  return evidence.map((group) => {
    const ranks = group.map((id) => rankOf.get(id)).filter((rank) => rank !== undefined);
    return ranks.length === 0 ? undefined : Math.min(...ranks);
  });
}

/** Sessions in the order of their best turns. */
export function rankSessions(turns: readonly string[], sessionOf: (turnId: string) => string): string[] {
  return [...new Set(turns.map(sessionOf))];
}

type Ranks = readonly (number | undefined)[];

function within(ranks: Ranks, k: number): number[] {
  return ranks.filter((rank) => rank !== undefined && rank <= k).map(Number);
}

function recall(ranks: Ranks, k: number): number | null {
  return ranks.length === 0 ? null : within(ranks, k).length / ranks.length;
}

function isComplete(ranks: Ranks, k: number): number | null {
  return ranks.length === 0 ? null : Number(within(ranks, k).length === ranks.length);
}

function ndcg(ranks: Ranks, k: number): number | null {
  if (ranks.length === 0) return null;
  const ideal = Array.from({ length: Math.min(ranks.length, k) }, (_, index) => gainAt(index + 1));
  return sum(within(ranks, k).map(gainAt)) / sum(ideal);
}

function reciprocalRank(ranks: Ranks): number | null {
  if (ranks.length === 0) return null;
  return 1 / Math.min(...within(ranks, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
}

function gainAt(rank: number): number {
  return 1 / Math.log2(rank + 1);
}
