import { microsecondsOf } from '@memory-layer/shared/time/instant';
import { filtersColumns, hasClauses, type CandidateFilter, type SearchPlan } from '../plan/search-plan.ts';
import { roundScore, type Candidate } from '../ranking/candidate.ts';
import { createNeighbourhood, neighbourReach } from '../ranking/context.ts';
import type { FoundNeighbourhood } from '../sql/search.repository.ts';
import { compareMessages, type KnownMessage, type TenantIndex } from './tenant-index.ts';
import type { WordScores } from './word-index.ts';

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

/**
 * Answers one plan as the statements in `sql/candidates.sql.ts` and `sql/neighbours.sql.ts` do, by comparing all
 * messages of an index: nothing is missed that a step of the statements would leave out.
 */
export class InMemorySearch {
  readonly #index: TenantIndex;
  readonly #plan: SearchPlan;
  #scores: WordScores | undefined;
  #scored = -1;
  readonly #passes: (message: KnownMessage) => boolean;
  /** No message has to be looked at to know that it may be found. */
  readonly #findsAll: boolean;
  /** Of the messages that were looked at, by number. */
  readonly #passages = new Map<number, BestPassage | undefined>();

  constructor(index: TenantIndex, plan: SearchPlan) {
    this.#index = index;
    this.#plan = plan;
    this.#passes = filterOf(plan.filter);
    this.#findsAll = !filtersColumns(plan.filter) && !index.expires;
  }

  /** As `candidatesStatement`. */
  findCandidates(): Candidate[] {
    this.#begin();
    return [...new Set([...this.#byVector(), ...this.#byWords()])].flatMap((number) => {
      const message = this.#index.messageOf(number);
      return message === undefined ? [] : [this.#toCandidate(number, message, this.#bestPassage(number))];
    });
  }

  /** As `contextStatement`. */
  findNeighbourhood(ids: readonly string[]): FoundNeighbourhood {
    this.#begin();
    const index = this.#index;
    const previous = new Map<number, number | undefined>();
    for (const id of ids) {
      const number = index.numberOf(id);
      if (number === undefined) continue;
      const chain = index.chainOf(number, neighbourReach);
      chain.forEach((link, place) => previous.set(link, chain[place - 1] ?? previous.get(link)));
    }
    const around = [...previous]
      .flatMap(([number, before]): Neighbour[] => {
        const message = index.messageOf(number);
        if (message === undefined) return [];
        const previousId = before === undefined ? undefined : index.messageOf(before)?.id;
        return [{ number, message, previousId, passage: this.#bestPassage(number) }];
      })
      .toSorted((one, other) => inOrder(one.message, other.message));
    return {
      candidates: around.map(({ number, message, passage }) => this.#toCandidate(number, message, passage)),
      neighbourhood: createNeighbourhood(
        around.map((one, place) => ({
          id: one.message.id,
          previousId: one.previousId,
          similarities: [this.#similarity(around[place - 1], one), this.#similarity(around[place - 2], one)],
        })),
      ),
    };
  }

  /** Messages and vectors may have come, or gone to others, since the last time, and another search may have used the memory. */
  #begin(): void {
    this.#passages.clear();
    const { words } = this.#plan;
    if (words !== undefined && this.#scored < this.#index.size) {
      this.#scores = this.#index.words.score(words, this.#index.size);
      this.#scored = this.#index.size;
    }
    if (this.#plan.vector !== undefined) this.#index.vectors.setQuery(this.#plan.vector.query);
  }

  #byVector(): number[] {
    const { vector, limit } = this.#plan;
    if (vector === undefined) return [];
    const cosines = new Float32Array(this.#index.size).fill(noCosine);
    this.#index.vectors.scan(cosines);
    if (!this.#findsAll) {
      for (let number = 0; number < cosines.length; number += 1) {
        if (!this.#isFound(number)) cosines[number] = noCosine;
      }
    }
    const least = leastOfBest(cosines, { limit, low: -1, high: 1 }) - scanError;
    const near: number[] = [];
    for (let number = 0; number < cosines.length; number += 1) {
      if ((cosines[number] ?? noCosine) >= least) near.push(number);
    }
    return this.#best(near, (number) => this.#bestPassage(number)?.cosine ?? noCosine);
  }

  #byWords(): number[] {
    if (this.#scores === undefined) return [];
    const { found, sums } = this.#scores;
    const sumOf = (number: number) => sums[number] ?? 0;
    // What has gone left its words behind.
    const isWhole = this.#findsAll && this.#index.count === this.#index.size;
    const passing = isWhole ? found : found.filter((number) => this.#isFound(number));
    const own = Float64Array.from(passing, sumOf);
    const least = leastOfBest(own, { limit: this.#plan.limit, low: 0, high: own.reduce((a, b) => Math.max(a, b), 0) });
    return this.#best(
      passing.filter((number) => sumOf(number) >= least),
      sumOf,
    );
  }

  /** The best `limit`; ties by id. Many may be equal, so not all of them are sorted. */
  #best(numbers: readonly number[], valueOf: (number: number) => number): number[] {
    const { limit } = this.#plan;
    const chosen: Valued[] = [];
    for (const number of numbers) {
      const id = this.#index.messageOf(number)?.id;
      if (id === undefined) continue;
      const one = { number, value: valueOf(number), id };
      const last = chosen.at(-1);
      if (chosen.length >= limit && last !== undefined && isBefore(last, one)) continue;
      chosen.splice(placeOf(one, chosen), 0, one);
      if (chosen.length > limit) chosen.pop();
    }
    return chosen.map(({ number }) => number);
  }

  #isFound(number: number): boolean {
    const message = this.#index.messageOf(number);
    return message !== undefined && this.#passes(message);
  }

  /** The nearest passage of a message; undefined while it has none, or without a query vector. */
  #bestPassage(number: number): BestPassage | undefined {
    if (this.#plan.vector === undefined) return undefined;
    if (this.#passages.has(number)) return this.#passages.get(number);
    let nearest: BestPassage | undefined;
    for (const id of this.#index.vectorsOf(number)) {
      const cosine = this.#index.vectors.similarity(id);
      if (nearest === undefined || cosine > nearest.cosine) nearest = { id, cosine };
    }
    this.#passages.set(number, nearest);
    return nearest;
  }

  #similarity(earlier: Neighbour | undefined, later: Neighbour): number | undefined {
    if (earlier?.message.conversationId !== later.message.conversationId) return undefined;
    if (earlier.passage === undefined || later.passage === undefined) return undefined;
    return this.#index.vectors.similarityBetween(earlier.passage.id, later.passage.id);
  }

  #toCandidate(number: number, message: KnownMessage, passage: BestPassage | undefined): Candidate {
    return {
      id: message.id,
      vectorScore: passage === undefined ? undefined : roundScore(passage.cosine),
      termScores: this.#scores?.termScores(number) ?? [],
      wordCount: this.#index.words.lengthOf(number),
      conversationId: message.conversationId,
      role: message.role,
      speaker: message.speaker,
      importance: message.importance,
      createdAt: new Date(message.createdAt / 1000),
      eligible: this.#passes(message),
    };
  }
}

interface Valued {
  readonly number: number;
  readonly value: number;
  readonly id: string;
}

function isBefore(one: Valued, other: Valued): boolean {
  return one.value > other.value || (one.value === other.value && one.id < other.id);
}

function placeOf(one: Valued, chosen: readonly Valued[]): number {
  let [low, high] = [0, chosen.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = chosen[middle];
    if (other !== undefined && isBefore(other, one)) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Neighbour {
  readonly number: number;
  readonly message: KnownMessage;
  readonly previousId: string | undefined;
  readonly passage: BestPassage | undefined;
}

/** By conversation, then in its order. */
function inOrder(one: KnownMessage, other: KnownMessage): number {
  if (one.conversationId !== other.conversationId) return one.conversationId < other.conversationId ? -1 : 1;
  return compareMessages(one, other);
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

/** A value that at least `limit` of those from `low` on reach, and not many more. */
function leastOfBest(
  values: Float32Array | Float64Array,
  { limit, low, high }: { readonly limit: number; readonly low: number; readonly high: number },
): number {
  if (high <= low) return low;
  const perStep = steps / (high - low);
  const counts = new Uint32Array(steps + 1);
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? low;
    if (value < low) continue;
    const step = Math.min(steps, Math.floor((value - low) * perStep));
    counts[step] = (counts[step] ?? 0) + 1;
  }
  let reached = counts[steps] ?? 0;
  let step = steps;
  while (step > 0 && reached < limit) {
    step -= 1;
    reached += counts[step] ?? 0;
  }
  // A value is not less than the step that it is in, but for rounding.
  return low + (step - 0.001) / perStep;
}
