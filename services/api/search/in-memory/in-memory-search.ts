import { microsecondsOf } from '@memory-layer/shared/time/instant';
import { hasClauses, type CandidateFilter, type SearchPlan } from '../plan/search-plan.ts';
import { roundScore, type Candidate } from '../ranking/candidate.ts';
import { createNeighbourhood, neighbourReach, type NeighbourhoodRow } from '../ranking/context.ts';
import type { FoundNeighbourhood } from '../sql/search.repository.ts';
import type { KnownMessage, TenantIndex } from './tenant-index.ts';

// The scan is off by a fraction of this: what it takes for further away by more than this is further away.
const scanError = 0.005;
const noCosine = -2;
// To find the least of the best, values are counted in so many equal steps.
const steps = 2048;

/** Whether a plan asks for nothing that an index does not have: metadata and the places of words. */
export function isForIndex({ clauses, words, filter }: SearchPlan): boolean {
  const { metadata, where, similarity } = filter;
  const ofText = hasClauses(clauses) || (words !== undefined && words.phrases.length > 0);
  return !ofText && metadata === undefined && where === undefined && similarity === undefined;
}

interface BestPassage {
  readonly id: number;
  readonly cosine: number;
}

export type InMemorySearch = ReturnType<typeof createInMemorySearch>;

/**
 * Answers one plan as the statements in `sql/candidates.sql.ts` and `sql/neighbours.sql.ts` do, by comparing all
 * messages of an index: nothing is missed that a step of the statements would leave out.
 */
export function createInMemorySearch(index: TenantIndex, plan: SearchPlan) {
  const { words, vector, limit } = plan;
  const scores = words && index.words.score(words, index.size);
  const passes = filterOf(plan.filter);

  const passages = new Map<number, BestPassage | undefined>();

  /** The nearest passage of a message; undefined while it has none, or without a query vector. */
  function bestPassage(number: number): BestPassage | undefined {
    if (vector === undefined) return undefined;
    if (passages.has(number)) return passages.get(number);
    let nearest: BestPassage | undefined;
    for (const id of index.vectorsOf(number)) {
      const cosine = index.vectors.similarity(id);
      if (nearest === undefined || cosine > nearest.cosine) nearest = { id, cosine };
    }
    passages.set(number, nearest);
    return nearest;
  }

  function isFound(number: number): boolean {
    const message = index.messageOf(number);
    return message !== undefined && passes(message);
  }

  function byVector(): number[] {
    if (vector === undefined) return [];
    const cosines = new Float32Array(index.size).fill(noCosine);
    index.vectors.scan(cosines);
    const scanned: number[] = [];
    cosines.forEach((cosine, number) => {
      if (cosine > noCosine && isFound(number)) scanned.push(number);
    });
    const least = leastOfBest(cosines, scanned, { limit, range: [-1, 1] }) - scanError;
    const near = scanned.filter((number) => (cosines[number] ?? 0) >= least);
    return best(near, new Map(near.map((number) => [number, bestPassage(number)?.cosine ?? noCosine])));
  }

  function byWords(): number[] {
    if (scores === undefined) return [];
    const { sums } = scores;
    const found = scores.found.filter(isFound);
    const greatest = found.reduce((max, number) => Math.max(max, sums[number] ?? 0), 0);
    const least = leastOfBest(sums, found, { limit, range: [0, greatest] });
    const high = found.filter((number) => (sums[number] ?? 0) >= least);
    return best(high, new Map(high.map((number) => [number, sums[number] ?? 0])));
  }

  function best(numbers: readonly number[], values: ReadonlyMap<number, number>): number[] {
    const idOf = (number: number) => index.messageOf(number)?.id ?? '';
    return numbers
      .toSorted((a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0) || (idOf(a) < idOf(b) ? -1 : 1))
      .slice(0, limit);
  }

  function toCandidate(number: number, message: KnownMessage, vectorScore: number | undefined): Candidate {
    return {
      id: message.id,
      vectorScore: vectorScore === undefined ? undefined : roundScore(vectorScore),
      termScores: scores?.termScores(number) ?? [],
      wordCount: index.words.lengthOf(number),
      conversationId: message.conversationId,
      role: message.role,
      speaker: message.speaker,
      importance: message.importance,
      createdAt: new Date(message.createdAt / 1000),
      eligible: passes(message),
    };
  }

  return {
    /** As `candidatesStatement`. */
    findCandidates(): Candidate[] {
      if (vector !== undefined) index.vectors.setQuery(vector.query);
      return [...new Set([...byVector(), ...byWords()])].flatMap((number) => {
        const message = index.messageOf(number);
        return message === undefined ? [] : [toCandidate(number, message, bestPassage(number)?.cosine)];
      });
    },

    /** As `contextStatement`. */
    findNeighbourhood(ids: readonly string[]): FoundNeighbourhood {
      // Vectors may have come, or gone to others, since candidates were looked for.
      passages.clear();
      if (vector !== undefined) index.vectors.setQuery(vector.query);
      const previous = new Map<number, number | undefined>();
      for (const id of ids) {
        const number = index.numberOf(id);
        if (number === undefined) continue;
        const chain = index.chainOf(number, neighbourReach);
        chain.forEach((link, place) => previous.set(link, chain[place - 1] ?? previous.get(link)));
      }
      const around = [...previous.keys()].flatMap((number) => {
        const message = index.messageOf(number);
        return message === undefined ? [] : [{ number, message, passage: bestPassage(number) }];
      });
      around.sort(
        (one, other) =>
          compareText(one.message.conversationId, other.message.conversationId) ||
          index.compare(one.message, other.message),
      );
      const rows = around.map(({ number, message, passage }, place): NeighbourhoodRow => {
        const similarityTo = (distance: number) => {
          const other = around[place - distance];
          if (other?.message.conversationId !== message.conversationId) return undefined;
          if (passage === undefined || other.passage === undefined) return undefined;
          return index.vectors.similarityBetween(other.passage.id, passage.id);
        };
        const before = previous.get(number);
        return {
          id: message.id,
          previousId: before === undefined ? undefined : index.messageOf(before)?.id,
          similarities: [similarityTo(1), similarityTo(2)],
        };
      });
      return {
        candidates: around.map(({ number, message, passage }) => toCandidate(number, message, passage?.cosine)),
        neighbourhood: createNeighbourhood(rows),
      };
    },
  };
}

function filterOf(filter: CandidateFilter): (message: KnownMessage) => boolean {
  const { conversationIds, roles, createdAfter, createdBefore, importanceMin, importanceMax, throughId } = filter;
  const conversations = conversationIds && new Set(conversationIds);
  const first = createdAfter === undefined ? -Infinity : microsecondsOf(createdAfter);
  const end = createdBefore === undefined ? Infinity : microsecondsOf(createdBefore);
  return ({ id, conversationId, role, importance, createdAt }) =>
    (conversations === undefined || conversations.has(conversationId)) &&
    (roles === undefined || roles.includes(role)) &&
    createdAt >= first &&
    createdAt < end &&
    importance >= (importanceMin ?? -Infinity) &&
    importance <= (importanceMax ?? Infinity) &&
    (throughId === undefined || id <= throughId);
}

/** A value that at least `limit` of the numbers reach, and not many more. */
function leastOfBest(
  values: Float32Array | Float64Array,
  numbers: readonly number[],
  { limit, range: [low, high] }: { readonly limit: number; readonly range: readonly [number, number] },
): number {
  if (numbers.length <= limit || high <= low) return low;
  const perStep = steps / (high - low);
  const counts = new Uint32Array(steps);
  const stepOf = (number: number) =>
    Math.max(0, Math.min(steps - 1, Math.floor(((values[number] ?? 0) - low) * perStep)));
  for (const number of numbers) counts[stepOf(number)] = (counts[stepOf(number)] ?? 0) + 1;
  let reached = 0;
  let step = steps - 1;
  while (step > 0 && (reached += counts[step] ?? 0) < limit) step -= 1;
  // A value is not less than the step that it is in, but for rounding.
  return low + (step - 0.001) / perStep;
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
