import { sql, type RawBuilder } from 'kysely';
import { quoteTerm, type WeightedTerm } from './bm25.ts';
import type { TextInLanguage } from './lexical.repository.ts';

// As with words: of a pasted page those that tell most. Who quotes a paragraph does not look for it word by word.
const maxPhrases = 8;
const maxPhraseWords = 32;

/** A text in quotes that counts like one more word of the query. */
export interface WeightedPhrase {
  /** As a tsquery. */
  readonly query: string;
  /** What a message adds that has it, once or more often. */
  readonly weight: number;
}

/** A word of the query, and whether any message of the tenant is known to have it. */
export interface KnownTerm extends WeightedTerm {
  readonly isSaid: boolean;
}

/**
 * Each phrase of two words or more, with the weight of its rarest word: the phrase is at least as rare, and how rare
 * would have to be counted. A single word is a word, in quotes or not. Those whose words nobody said, as far as the
 * sample goes, come last: else of a list of titles the unknown ones would count and no others. One of more than 32 words
 * counts as its words alone.
 */
export function weighPhrases(readings: readonly TextInLanguage[], terms: readonly KnownTerm[]): WeightedPhrase[] {
  const count = readings[0]?.phrases.length ?? 0;
  const weighed = Array.from({ length: count }, (_, index) => {
    const query = inAnyLanguage(readings, (reading) => reading.phrases[index]);
    return {
      query,
      ...weigh(
        readings.map((reading) => reading.phrases[index] ?? ''),
        terms,
      ),
    };
  });
  return [...new Map(weighed.map((phrase) => [phrase.query, phrase])).values()]
    .filter(({ query, weight }) => weight > 0 && wordsIn(query) <= maxPhraseWords)
    .toSorted((one, other) => Number(other.isSaid) - Number(one.isSaid) || other.weight - one.weight)
    .slice(0, maxPhrases)
    .map(({ query, weight }) => ({ query, weight }));
}

/** By the languages in which the phrase may be found, since one that has just come finds nothing yet. */
function weigh(queries: readonly string[], terms: readonly KnownTerm[]): { weight: number; isSaid: boolean } {
  const languages = queries
    .filter((query) => query.includes('<'))
    .map((query) => terms.filter(({ term }) => query.includes(quoteTerm(term))))
    .map((own) => ({
      weight: Math.max(0, ...own.map(({ weight }) => weight)),
      isSaid: own.length > 0 && own.every(({ isSaid }) => isSaid),
    }));
  const isSaid = languages.some((language) => language.isSaid);
  const counted = languages.filter((language) => language.isSaid === isSaid);
  return { weight: Math.max(0, ...counted.map(({ weight }) => weight)), isSaid };
}

/** Words of a tsquery as PostgreSQL writes it, each in quotes. */
export function wordsIn(query: string): number {
  return (query.split("'").length - 1) / 2;
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
