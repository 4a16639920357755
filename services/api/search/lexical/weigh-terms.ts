import { setImmediate } from 'node:timers/promises';
import { requestLimits } from '../../cost/request-cost.ts';
import type { KnownTerm } from './phrases.ts';
import type { TermStatistics } from './term-statistics.ts';

// Looking one word up takes some milliseconds of a large sample: others take their turn in between.
const sliceMs = 5;

/**
 * The words to score by, those that tell most first. Of more than 32 the rarest count, by a rough count of each: only
 * those are looked up. What nobody said, as far as the sample goes, comes last: else a long query would be full of it.
 */
export async function weighTerms(terms: readonly string[], statistics: TermStatistics): Promise<KnownTerm[]> {
  const weighed: KnownTerm[] = [];
  let begun = performance.now();
  for (const term of chooseTerms(terms, statistics)) {
    weighed.push({ term, weight: statistics.idf(term), isSaid: statistics.frequency(term) > 0 });
    if (performance.now() - begun < sliceMs) continue;
    await setImmediate();
    begun = performance.now();
  }
  return weighed.toSorted(
    (one, other) =>
      Number(other.isSaid) - Number(one.isSaid) || other.weight - one.weight || (one.term < other.term ? -1 : 1),
  );
}

function chooseTerms(terms: readonly string[], statistics: TermStatistics): readonly string[] {
  if (terms.length <= requestLimits.queryTerms) return terms;
  return terms
    .map((term) => ({ term, count: statistics.roughCount(term) }))
    .toSorted(
      (one, other) =>
        Number(other.count > 0) - Number(one.count > 0) || one.count - other.count || (one.term < other.term ? -1 : 1),
    )
    .slice(0, requestLimits.queryTerms)
    .map(({ term }) => term);
}
