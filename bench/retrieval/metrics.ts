/** How well one ranking found what it should have found. All values 0 to 1. */
export interface RankingQuality {
  /** Share of the evidence among the first k, by k. */
  readonly recall: ReadonlyMap<number, number>;
  readonly ndcgAt10: number;
  /** One over the rank of the first evidence. */
  readonly reciprocalRank: number;
}

export const cutoffs = [5, 10, 20, 50] as const;

/** Judges a ranking of ids, best first, against the ids that are evidence. */
export function judge(ranking: readonly string[], evidence: readonly string[]): RankingQuality {
  const wanted = new Set(evidence);
  const ranks = ranking.flatMap((id, index) => (wanted.has(id) ? [index + 1] : []));
  const recall = new Map(cutoffs.map((k) => [k, ranks.filter((rank) => rank <= k).length / wanted.size] as const));
  const ideal = sum(Array.from({ length: Math.min(wanted.size, 10) }, (_, index) => gainAt(index + 1)));
  const gained = sum(ranks.filter((rank) => rank <= 10).map(gainAt));
  return { recall, ndcgAt10: gained / ideal, reciprocalRank: ranks[0] === undefined ? 0 : 1 / ranks[0] };
}

/** Mean of many judgements, question by question. */
export function average(all: readonly RankingQuality[]): RankingQuality {
  const mean = (pick: (quality: RankingQuality) => number) => sum(all.map(pick)) / all.length;
  return {
    recall: new Map(cutoffs.map((k) => [k, mean((quality) => quality.recall.get(k) ?? 0)] as const)),
    ndcgAt10: mean((quality) => quality.ndcgAt10),
    reciprocalRank: mean((quality) => quality.reciprocalRank),
  };
}

function gainAt(rank: number): number {
  return 1 / Math.log2(rank + 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
