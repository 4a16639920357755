import { quoteTerm } from '../../words/message-index.ts';
import type { TermStatistics } from '../stats/term-statistics.ts';
import type { LexicalQuery, WeightedPhrase, WeightedTerm } from './lexical-query.ts';

// The index asks all alternatives for every message it comes by: more of them are not worth their time.
const maxNodes = 96;
/** The most that {@link candidateSteps} returns. */
export const maxSteps = 3;
// Asking the index for less, or twice, costs as much as comparing so many times the messages that are wanted.
const tooMany = 3;
// Sums of the same weights differ by the order of adding.
const tolerance = 1e-9;

/** A step of the search for candidates: which words a message must have together. */
export interface CandidateStep {
  /** As a tsquery. */
  readonly query: string;
  /**
   * When the query alone finds far too many: messages of at most so many different words are taken, and longer ones
   * only when they match `above`, which asks for more.
   */
  readonly narrowed: { readonly maxLength: number; readonly above: string | undefined } | undefined;
}

/** How a query by words is looked for. */
export interface LexicalPlan {
  readonly tenantId: string;
  /** None: there is nothing to score by. */
  readonly terms: readonly WeightedTerm[];
  readonly phrases: readonly WeightedPhrase[];
  /** Mean number of different words of a message of the tenant. */
  readonly averageLength: number;
  /** How much the length of a message counts, 0 to 1: the constant b of BM25. */
  readonly lengthNormalisation: number;
  /** Each finds what the one before it finds and more; the last one finds every message that has any word. */
  readonly steps: readonly CandidateStep[];
  /** Of the words of all messages that are scored; undefined: there are not so many long messages that have the words. */
  readonly maxBytes: number | undefined;
}

/**
 * Constant of BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009): how soon
 * repetition stops to count.
 */
const k1 = 1.2;

/** What a message adds for a word that it has `count` times: `mostOf(weight) / (1 + (fixed + perWord * length) / count)`. */
export interface Bm25 {
  readonly mostOf: (weight: number) => number;
  readonly fixed: number;
  /** For each different word of the message. */
  readonly perWord: number;
}

export function bm25Of({ averageLength, lengthNormalisation: b }: LexicalPlan): Bm25 {
  return { mostOf: (weight) => weight * (k1 + 1), fixed: k1 * (1 - b), perWord: (k1 * b) / Math.max(averageLength, 1) };
}

// The more candidates are compared by their score for each that is returned, the more of the best are among them.
const comparedPerReturned = 3;
// Of so many the best are found anyway, and comparing more takes its time.
const mostCompared = 1000;

function comparedFor(limit: number): number {
  return Math.max(limit, Math.min(comparedPerReturned * limit, mostCompared));
}

/** @param limit candidates wanted */
export function planWords({ tenantId, terms, phrases, statistics }: LexicalQuery, limit: number): LexicalPlan {
  let known: readonly CandidateStep[] | undefined;
  return {
    tenantId,
    terms,
    phrases,
    averageLength: statistics.averageLength,
    lengthNormalisation: lengthNormalisationOf(statistics),
    // Only statements ask for them.
    get steps() {
      known ??= terms.length === 0 ? [] : candidateSteps(terms, statistics, comparedFor(limit));
      return known.map((step) => orPhrases(step, phrases));
    },
    get maxBytes() {
      return longWords(terms, statistics) > maxScoredWords ? maxScoredBytes : undefined;
    },
  };
}

// Some tens of milliseconds to read and score. A word takes about twelve bytes.
const maxScoredWords = 2 ** 20;
const maxScoredBytes = 12 * maxScoredWords;

/** Different words of all long messages that have any of the terms, about. */
function longWords(terms: readonly WeightedTerm[], statistics: TermStatistics): number {
  const { longPlaces } = statistics;
  if (longPlaces.length === 0) return 0;
  const sums = sumsOf(terms, statistics);
  const found = longPlaces.filter((place) => (sums[place] ?? 0) > 0);
  return found.reduce((sum, place) => sum + statistics.lengthOf(place), 0) * statistics.share;
}

/** Of `wanted` messages of the tenant, those whose words are read for a search: all, unless messages are long. */
export function scoredAtMost(wanted: number, { averageLength }: Pick<TermStatistics, 'averageLength'>): number {
  return Math.min(wanted, Math.ceil(maxScoredWords / Math.max(1, averageLength)));
}

// Messages of people are alike in length, and a longer one says more; in a chat with an assistant the long ones say much
// that is not asked for. Between the two spreads the constant grows evenly.
const even = { spread: 0.5, b: 0.4 };
const uneven = { spread: 1, b: 0.65 };

function lengthNormalisationOf({ lengthSpread }: Pick<TermStatistics, 'lengthSpread'>): number {
  const share = Math.min(1, Math.max(0, (lengthSpread - even.spread) / (uneven.spread - even.spread)));
  return even.b + share * (uneven.b - even.b);
}

/** The step, and every message that has a phrase: its words alone may weigh too little for the step. */
function orPhrases(step: CandidateStep, phrases: readonly WeightedPhrase[]): CandidateStep {
  if (phrases.length === 0) return step;
  const said = phrases.map(({ query }) => `(${query})`).join(' | ');
  const above = step.narrowed?.above === undefined ? said : `${step.narrowed.above} | ${said}`;
  return { query: `${step.query} | ${said}`, narrowed: step.narrowed && { ...step.narrowed, above } };
}

/**
 * The steps by which candidates are looked for, each finding what the one before it does and more: the last one finds
 * every message that has any word. A message is in a step when the weights of its words add up to the step's threshold;
 * the thresholds are such that about `wanted` messages pass the first one, and eight times as many the next. When all
 * there are is not many more than that, the last step is the only one, and the result is exact.
 */
export function candidateSteps(
  terms: readonly WeightedTerm[],
  statistics: TermStatistics,
  wanted: number,
): CandidateStep[] {
  const all = terms.toSorted((a, c) => c.weight - a.weight);
  const any = { query: all.map(({ term }) => quoteTerm(term)).join(' | '), narrowed: undefined };
  const expected = expectedMatches(all, statistics);
  const steps = [wanted, 8 * wanted]
    .filter((count) => tooMany * count < expected)
    .map((count) => stepFor(all, statistics, Math.max(1, Math.round(count / statistics.share))));
  return [...steps.filter((step) => step !== undefined), any];
}

/** How many messages have any of the words, about. */
export function expectedMatches(terms: readonly WeightedTerm[], statistics: TermStatistics): number {
  return greatestFirst(sumsOf(terms, statistics)).length * statistics.share;
}

/**
 * Leaves the most common words out until what is left can be asked for by few alternatives.
 * @param wanted messages of the sample
 */
function stepFor(all: readonly WeightedTerm[], statistics: TermStatistics, wanted: number): CandidateStep | undefined {
  for (let count = all.length; count > 0; count -= Math.ceil(count / 6)) {
    const terms = all.slice(0, count);
    const sums = sumsOf(terms, statistics);
    const sorted = greatestFirst(sums);
    const least = sorted[Math.min(sorted.length, wanted) - 1];
    if (least === undefined) return undefined;
    const query = weighingAtLeast(terms, least);
    if (query === undefined) continue;
    const found = sorted.filter((sum) => sum >= least - tolerance);
    if (found.length <= tooMany * wanted) return { query, narrowed: undefined };
    const more = found.findLast((sum) => sum > least + tolerance);
    const lengths = Array.from(sums.keys())
      .filter((place) => (sums[place] ?? 0) >= least - tolerance)
      .map((place) => statistics.lengthOf(place))
      .toSorted((a, c) => a - c);
    const narrowed = {
      maxLength: lengths[wanted - 1] ?? 0,
      above: more === undefined ? undefined : weighingAtLeast(terms, more),
    };
    return { query, narrowed };
  }
  return undefined;
}

/** The weights of each sampled message's words added up, by its place: 0 when it has none of them. */
function sumsOf(terms: readonly WeightedTerm[], statistics: TermStatistics): Float64Array {
  const sums = new Float64Array(statistics.sampled);
  for (const { term, weight } of terms) {
    for (const place of statistics.postingsOf(term)) sums[place] = (sums[place] ?? 0) + weight;
  }
  return sums;
}

/** Those that are more than 0. */
function greatestFirst(sums: Float64Array): Float64Array {
  return sums
    .filter((sum) => sum > 0)
    .toSorted()
    .toReversed();
}

/** A tsquery for messages whose words weigh so much together; undefined when it would be too long. */
function weighingAtLeast(terms: readonly WeightedTerm[], least: number): string | undefined {
  const budget = { nodes: maxNodes };
  const query = alternatives(terms, least - tolerance, budget);
  return budget.nodes < 0 ? undefined : query;
}

function alternatives(
  terms: readonly WeightedTerm[],
  threshold: number,
  budget: { nodes: number },
): string | undefined {
  const [first, ...rest] = terms;
  if (first === undefined || budget.nodes < 0) return undefined;
  if (terms.reduce((sum, { weight }) => sum + weight, 0) < threshold) return undefined;
  budget.nodes--;
  const own = quoteTerm(first.term);
  const without = alternatives(rest, threshold, budget);
  if (first.weight >= threshold) return without === undefined ? own : `${own} | ${without}`;
  const others = alternatives(rest, threshold - first.weight, budget);
  const together = others === undefined ? undefined : `${own} & (${others})`;
  if (together === undefined) return without;
  return without === undefined ? together : `${together} | ${without}`;
}
