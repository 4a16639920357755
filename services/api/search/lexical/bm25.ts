import { sql, type RawBuilder } from 'kysely';

/**
 * Constants of BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009): how soon
 * repetition stops to count, and how much length does. Short texts like chat turns ask for less of both than 1.2 and 0.75.
 */
const k1 = 0.9;
const b = 0.4;

/** A word of the query, and how much one that a message has once, at average length, counts. */
export interface WeightedTerm {
  /** As it is in a tsvector: stemmed. */
  readonly term: string;
  readonly weight: number;
}

/** What stands for a term where there is none: a statement has one of few lengths, so that it can be kept. */
export type TermOrNone = WeightedTerm | undefined;

/** Inverse document frequency as Lucene has it: never negative, however common the word. */
export function idf(messages: number, messagesWithTerm: number): number {
  const found = Math.min(messagesWithTerm, messages);
  return Math.log(1 + (messages - found + 0.5) / (found + 0.5));
}

/** The term as a tsquery of its own. */
export function quoteTerm(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

// ts_rank of one word is 0.1 / 1.64493406685 times the sum of 1/j² for j up to its number of places, whose limit is
// π²/6; what is missing to the limit after n places is 1 / (n + 1/2), nearly. So rounding gives n back exactly.
const limit = sql.raw(`${Math.PI ** 2 / 6}::float8`);
const scale = sql.raw('16.4493406685::float8');

/**
 * What each term adds to the BM25 of a message, as SQL, in their order: 0 when it does not have it, null for no term.
 * The length of a message is its number of different words, and `averageLength` the mean of that. Cheap for terms that
 * are not there, which most are not. All that differs from query to query is a parameter.
 */
export function bm25Parts(
  vector: RawBuilder<unknown>,
  terms: readonly TermOrNone[],
  averageLength: number,
): RawBuilder<number | null>[] {
  const fixed = sql.raw(`${k1 * (1 - b)}::float8`);
  const perWord = (k1 * b) / Math.max(averageLength, 1);
  return terms.map((term) => {
    const query = sql`${term === undefined ? null : quoteTerm(term.term)}::tsquery`;
    const most = term === undefined ? null : term.weight * (k1 + 1);
    const places = sql`round(1 / (${limit} - ${scale} * ts_rank(${vector}, ${query})) - 0.5::float8)`;
    const saturation = sql`(${fixed} + ${perWord}::float8 * length(${vector})) / ${places}`;
    return sql<number | null>`case ${vector} @@ ${query}
      when true then ${most}::float8 / (1 + ${saturation}) when false then 0 end`;
  });
}
