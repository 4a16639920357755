import { sql, type RawBuilder } from 'kysely';
import { quoteTerm, type WeightedTerm } from './bm25.ts';
import type { TextInLanguage } from './lexical.repository.ts';

// As with words: of a pasted page those that tell most.
const maxPhrases = 8;

/** A text in quotes that counts like one more word of the query. */
export interface WeightedPhrase {
  /** As a tsquery. */
  readonly query: string;
  /** What a message adds that has it, once or more often. */
  readonly weight: number;
}

/**
 * Each phrase with the weight of its rarest word: the phrase is at least as rare, and how rare would have to be counted.
 * Those without an indexed word are left out.
 */
export function weighPhrases(readings: readonly TextInLanguage[], terms: readonly WeightedTerm[]): WeightedPhrase[] {
  const count = readings[0]?.phrases.length ?? 0;
  const queries = Array.from({ length: count }, (_, index) =>
    inAnyLanguage(readings, (reading) => reading.phrases[index]),
  );
  return [...new Set(queries)]
    .map((query) => ({ query, weight: rarest(query, terms) }))
    .filter(({ weight }) => weight > 0)
    .toSorted((one, other) => other.weight - one.weight)
    .slice(0, maxPhrases);
}

function rarest(query: string, terms: readonly WeightedTerm[]): number {
  return Math.max(0, ...terms.filter(({ term }) => query.includes(quoteTerm(term))).map(({ weight }) => weight));
}

/** A text as a tsquery that matches when it does in any of the languages; empty when none has one of its words. */
export function inAnyLanguage(
  readings: readonly TextInLanguage[],
  pick: (reading: TextInLanguage) => string | undefined,
): string {
  const queries = readings.map((reading) => pick(reading) ?? '').filter((query) => query !== '');
  return [...new Set(queries)].map((query) => `(${query})`).join(' | ');
}

/** What each phrase adds to the score of a message, as SQL, in their order. */
export function phraseParts(vector: RawBuilder<unknown>, phrases: readonly WeightedPhrase[]): RawBuilder<number>[] {
  return phrases.map(
    ({ query, weight }) => sql<number>`case when ${vector} @@ ${query}::tsquery then ${weight}::float8 else 0 end`,
  );
}
