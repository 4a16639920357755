import { matchesDate, type DateTerm } from '../query/date-terms.ts';
import type { Candidate } from './candidate.ts';

/** What the words and dates of a query weigh. */
export interface QueryTerms {
  /** Of each word, in the order of {@link Candidate.termScores}: what a message adds that has it once, at average length. */
  readonly weights: readonly number[];
  readonly dates: readonly DateTerm[];
}

export const noTerms: QueryTerms = { weights: [], dates: [] };

/** What each word and date of the query adds for a message: BM25 of the words, and the dates as words said on the day. */
export function termScoresOf(candidate: Candidate, { dates }: QueryTerms, dateStrength: number): readonly number[] {
  // Most queries name no date: then nothing is copied.
  if (dates.length === 0) return candidate.termScores;
  const ofDates = dates.map((date) => (matchesDate(date, candidate.createdAt) ? dateStrength * date.weight : 0));
  return [...candidate.termScores, ...ofDates];
}

/** The weights of all words and dates of the query, whether anybody said them or not. */
export function totalWeight({ weights, dates }: QueryTerms, dateStrength: number): number {
  const ofDates = dates.reduce((sum, { weight }) => sum + dateStrength * weight, 0);
  return weights.reduce((sum, weight) => sum + weight, ofDates);
}

/** What there is to reach: the weights of the words that any candidate has. */
export function reachableWeight(
  scores: Iterable<readonly number[]>,
  { weights, dates }: QueryTerms,
  dateStrength: number,
): number {
  const all = [...weights, ...dates.map(({ weight }) => dateStrength * weight)];
  const isSeen = all.map(() => false);
  for (const ofOne of scores) {
    ofOne.forEach((score, index) => {
      if (score > 0) isSeen[index] = true;
    });
  }
  return all.reduce((sum, weight, index) => (isSeen[index] === true ? sum + weight : sum), 0);
}

/** The share of what there is to reach, at most 1. */
export function shareOf(scores: readonly number[], reachable: number): number {
  return reachable === 0 ? 0 : Math.min(1, scores.reduce((sum, score) => sum + score, 0) / reachable);
}
