/** Share of the evidence among the first k of a ranking, 0 to 1. */
export function recallAt(k: number, ranking: readonly string[], evidence: readonly string[]): number {
  const found = new Set(ranking.slice(0, k));
  return evidence.filter((id) => found.has(id)).length / evidence.length;
}

export interface Answered {
  readonly kind: string;
  readonly ranking: readonly string[];
  readonly evidence: readonly string[];
}

export interface Recall {
  readonly at5: number;
  readonly at10: number;
}

/** Means over questions in percent, to a tenth: of all, and of each kind. */
export function recallByKind(answered: readonly Answered[]): ReadonlyMap<string, Recall> {
  const groups = [['all', answered] as const, ...Map.groupBy(answered, ({ kind }) => kind)];
  return new Map(
    groups.map(([kind, members]) => [kind, { at5: meanRecall(5, members), at10: meanRecall(10, members) }]),
  );
}

function meanRecall(k: number, answered: readonly Answered[]): number {
  const total = answered.reduce((sum, { ranking, evidence }) => sum + recallAt(k, ranking, evidence), 0);
  return Math.round((1000 * total) / answered.length) / 10;
}

/**
 * Floors for a measured recall: of all, three questions' worth below it; of each kind, two. Whole numbers.
 * The margin is for what other processors round differently.
 */
export function floorsOf(answered: readonly Answered[]): Record<string, Recall> {
  const countOf = (kind: string): number => answered.filter((each) => kind === 'all' || each.kind === kind).length;
  return Object.fromEntries(
    [...recallByKind(answered)].map(([kind, { at5, at10 }]) => {
      const margin = (100 * (kind === 'all' ? 3 : 2)) / countOf(kind);
      return [kind, { at5: Math.max(0, Math.floor(at5 - margin)), at10: Math.max(0, Math.floor(at10 - margin)) }];
    }),
  );
}

/** What is below its floor, in words; empty when nothing is. A kind without a floor, or a floor without a kind, is a mistake. */
export function belowFloors(recall: ReadonlyMap<string, Recall>, floors: Readonly<Record<string, Recall>>): string[] {
  return [...new Set([...recall.keys(), ...Object.keys(floors)])].flatMap((kind) => {
    const [found, floor] = [recall.get(kind), floors[kind]];
    if (found === undefined || floor === undefined) return [`${kind}: not both measured and given a floor`];
    return [
      ...(found.at5 < floor.at5 ? [`${kind}: R@5 is ${found.at5}, below ${floor.at5}`] : []),
      ...(found.at10 < floor.at10 ? [`${kind}: R@10 is ${found.at10}, below ${floor.at10}`] : []),
    ];
  });
}
