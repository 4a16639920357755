import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import { createYielder } from '../../cost/give-way.ts';
import { requestLimits } from '../../cost/request-cost.ts';
import { quoteTerm } from '../../words/message-index.ts';
import type { SearchText } from '../query/parse-query.ts';
import type { LexicalRepository, TextInLanguage } from '../stats/lexical.repository.ts';
import { ParsedQueryCache } from '../stats/parsed-query-cache.ts';
import { StatisticsCache } from '../stats/statistics-cache.ts';
import type { TermStatistics } from '../stats/term-statistics.ts';

/** A word of the query, and how much one that a message has once, at average length, counts. */
export interface WeightedTerm {
  /** As it is in a tsvector: stemmed. */
  readonly term: string;
  readonly weight: number;
}

/** A word of the query, and whether any message of the tenant is known to have it. */
export interface KnownTerm extends WeightedTerm {
  readonly isSaid: boolean;
}

/** A text in quotes that counts like one more word of the query. */
export interface WeightedPhrase {
  /** As a tsquery. */
  readonly query: string;
  /** What a message adds that has it, once or more often. */
  readonly weight: number;
}

/** What a hit must have, and must not have, as conditions on its words. */
export interface Clauses {
  /** Tsqueries that all hits match. */
  readonly must: readonly string[];
  /** Tsqueries that no hit matches. */
  readonly mustNot: readonly string[];
  /** Words of both together: what comparing them with a message costs. */
  readonly words: number;
}

/** A query by words of one tenant, weighed by what is known of the tenant. */
export interface LexicalQuery {
  readonly tenantId: string;
  /** None when there is nothing to score by: only stop words, or nothing but exclusions. */
  readonly terms: readonly KnownTerm[];
  readonly phrases: readonly WeightedPhrase[];
  readonly clauses: Clauses;
  readonly statistics: TermStatistics;
}

export interface LexicalIndexOptions {
  /** Where texts are parsed and statistics are taken: the primary or a replica. */
  readonly repository: LexicalRepository;
  readonly clock: Clock;
  /** Receives errors of refreshing statistics. */
  readonly onError: (error: Error) => void;
}

export type LexicalIndex = ReturnType<typeof createLexicalIndex>;

// Characters, of one byte mostly.
const maxStatisticsSize = 64_000_000;
// As with words: of a pasted page those that tell most. Who quotes a paragraph does not look for it word by word.
const maxPhrases = 8;
const maxPhraseWords = 32;

/** Turns search texts into queries by words. Asks the database for texts and tenants that it does not know. */
export function createLexicalIndex({ repository, clock, onError }: LexicalIndexOptions) {
  const parsedQueries = new ParsedQueryCache({ load: (text, signal) => repository.parse(text, signal), clock });
  const statistics = new StatisticsCache({
    load: (tenantId, signal) => repository.sample(tenantId, signal),
    clock,
    maxSize: maxStatisticsSize,
    onError,
  });

  return {
    /** @param markers terms that no text has, for what messages are indexed as beside their words */
    async prepare(
      tenantId: string,
      text: SearchText,
      { markers = [], signal }: { readonly markers?: readonly string[]; readonly signal?: AbortSignal } = {},
    ): Promise<LexicalQuery> {
      const [parsed, known] = await Promise.all([parsedQueries.get(text, signal), statistics.get(tenantId, signal)]);
      const names = new Set(parsed.flatMap((language) => language.names));
      const terms = await weighTerms([...new Set(parsed.flatMap((language) => language.terms))], known, {
        names,
        markers,
      });
      return {
        tenantId,
        terms,
        phrases: weighPhrases(parsed, terms),
        clauses: toClauses(text, parsed),
        statistics: known,
      };
    },
  };
}

// A stop word that may be a name counts less than another word, since often it is not a name.
const nameShare = 0.5;
const maxNames = 16;

// Two characters side by side tell what a text is of; one of them stands in many other words.
const characterShare = 0.3;
const characters = /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー\p{sc=Hang}]{1,2}$/u;

/** Single characters that the query has within a pair. */
function charactersOfPairs(terms: readonly string[]): ReadonlySet<string> {
  const runs = terms.filter((term) => characters.test(term)).map((term) => Array.from(term));
  return new Set(runs.filter((run) => run.length === 2).flat());
}

interface TermKinds {
  /** Stop words that may be names. */
  readonly names?: ReadonlySet<string>;
  readonly markers?: readonly string[];
}

/**
 * The words to score by, those that tell most first. Of more than 32 the rarest count, by a rough count of each: only
 * those are looked up. What nobody said, as far as the sample goes, comes last: else a long query would be full of it.
 * A stop word that may be a name, or a marker, counts only when a message has it.
 */
export async function weighTerms(
  terms: readonly string[],
  statistics: TermStatistics,
  { names = new Set(), markers = [] }: TermKinds = {},
): Promise<KnownTerm[]> {
  await statistics.read({ counts: terms.length > requestLimits.queryTerms });
  const weighed: KnownTerm[] = [];
  const paired = charactersOfPairs(terms);
  // Looking one word up takes some milliseconds of a large sample.
  const yieldWhenDue = createYielder();
  for (const term of [...markers, ...chooseTerms(terms, statistics), ...[...names].slice(0, maxNames)]) {
    const isSaid = statistics.frequency(term) > 0;
    const share = names.has(term) ? nameShare : shareOf(term, paired);
    const needsMessages = names.has(term) || markers.includes(term);
    if (isSaid || !needsMessages) weighed.push({ term, weight: share * statistics.idf(term), isSaid });
    await yieldWhenDue();
  }
  return weighed
    .toSorted(
      (one, other) =>
        Number(other.isSaid) - Number(one.isSaid) || other.weight - one.weight || (one.term < other.term ? -1 : 1),
    )
    .slice(0, requestLimits.queryTerms);
}

function shareOf(term: string, paired: ReadonlySet<string>): number {
  return paired.has(term) ? characterShare : 1;
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

/**
 * Each phrase of two words or more, with the weight of its rarest word: the phrase is at least as rare, and how rare
 * would have to be counted. A single word is a word, in quotes or not. Those whose words nobody said, as far as the
 * sample goes, come last: else of a list of titles the unknown ones would count and no others. One of more than 32 words
 * counts as its words alone.
 */
function weighPhrases(parsed: readonly TextInLanguage[], terms: readonly KnownTerm[]): WeightedPhrase[] {
  const count = parsed[0]?.phrases.length ?? 0;
  const weighed = Array.from({ length: count }, (_, index) => {
    const query = inAnyLanguage(parsed, (language) => language.phrases[index]);
    return {
      query,
      ...weigh(
        parsed.map((language) => language.phrases[index] ?? ''),
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

/**
 * Words that are not indexed, stop words above all, require and exclude nothing: to look for them would take reading
 * the content of every message.
 */
function toClauses(text: SearchText, parsed: readonly TextInLanguage[]): Clauses {
  const must = text.required.map((_, index) => inAnyLanguage(parsed, (language) => language.required[index]));
  const mustNot = text.excluded.map((_, index) => inAnyLanguage(parsed, (language) => language.excluded[index]));
  const words = parsed.map((language) =>
    [...language.required, ...language.excluded].reduce((sum, query) => sum + wordsIn(query), 0),
  );
  return { must: must.filter(Boolean), mustNot: mustNot.filter(Boolean), words: Math.max(0, ...words) };
}

/** A text as a tsquery that matches when it does in any of the languages; empty when none has one of its words. */
function inAnyLanguage(
  parsed: readonly TextInLanguage[],
  pick: (language: TextInLanguage) => string | undefined,
): string {
  const queries = parsed.map((language) => pick(language) ?? '').filter((query) => query !== '');
  return [...new Set(queries)].map((query) => `(${query})`).join(' | ');
}

/** Words of a tsquery as PostgreSQL writes it, each in quotes. */
function wordsIn(query: string): number {
  return (query.split("'").length - 1) / 2;
}
