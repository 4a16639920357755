import { requestLimits } from '../../cost/request-cost.ts';
import { withFewMarks } from '../../words/letters.ts';

/** A query as its writer meant it. */
export interface SearchText {
  /** What is searched for, phrases included and exclusions left out: the text to embed and to take words from. */
  readonly words: string;
  /** What has the words of one of these texts in this order, side by side, is found more readily. */
  readonly phrases: readonly string[];
  /** Texts that a hit must have. */
  readonly required: readonly string[];
  /** Words and texts that no hit has. */
  readonly excluded: readonly string[];
}

/** How a query is read: as text, or with quotes, pluses and minuses as operators. */
export const querySyntaxes = ['text', 'operators'] as const;
export type QuerySyntax = (typeof querySyntaxes)[number];

/** A query with the clauses of its request. */
export interface QueryParts {
  readonly query: string;
  readonly syntax: QuerySyntax;
  readonly must: readonly string[];
  readonly mustNot: readonly string[];
  readonly phrases: readonly string[];
}

/**
 * The texts and clauses that a request searches for. Quotes within a sentence require nothing in either syntax: most of
 * them mark a title, which an answer seldom repeats.
 */
export function toSearchText({ query, syntax, must, mustNot, phrases }: QueryParts): SearchText {
  const text = syntax === 'operators' ? parseOperators(query) : parsePlainText(query);
  return {
    words: text.words,
    phrases: [...phrases, ...text.phrases],
    required: [...must, ...text.required],
    excluded: [...mustNot, ...text.excluded],
  };
}

// A question has fewer phrases; a pasted page has more.
const maxQuoted = 8;
const inQuotes = /(?<=^|[\s(])["“](?<phrase>[^"“”\s](?:[^"“”]*[^"“”\s])?)["”](?=$|[\s.,;:!?)])/gu;

/** Reads a query as text: phrases in quotes are favoured, and nothing is required or excluded. */
export function parsePlainText(text: string): SearchText {
  const found = text.matchAll(inQuotes).take(maxQuoted);
  const phrases = Array.from(found, ({ groups }) => groups?.['phrase'] ?? '');
  return { words: text.trim(), phrases, required: [], excluded: [] };
}

// A quote opens before text at the start of a word and closes before the end of one, so that 5" and 6" are no phrase.
// A minus excludes what begins with a letter or a quote: -5 is a number and --flag a word.
const operator =
  /(?<=^|[\s(])(?:(?<sign>[-+]?)["“](?<phrase>[^"“”\s](?:[^"“”]*[^"“”\s])?)["”](?=$|[\s.,;:!?)])|-(?<word>\p{L}\S*))/gu;

/**
 * Takes quotes and minuses out of a query: `"red car" -boat -"sail boat"`. Whatever is not well formed is text like any
 * other, an unbalanced quote above all; nothing is an error.
 *
 * Quotes are required after a plus, and where there is nothing else to look for. In a sentence they are marks of
 * writing, around the title of a book most often: what answers it seldom repeats the title.
 */
export function parseOperators(text: string): SearchText {
  const quoted: string[] = [];
  const required: string[] = [];
  const excluded: string[] = [];
  let words = '';
  let unquoted = '';
  let end = 0;
  for (const { index, 0: whole, groups = {} } of text.matchAll(operator)) {
    const { sign, phrase, word } = groups;
    const isSearched = phrase !== undefined && sign !== '-';
    if (!isSearched) excluded.push(phrase ?? word ?? '');
    else if (sign === '+') required.push(phrase);
    else quoted.push(phrase);
    unquoted += text.slice(end, index);
    words += text.slice(end, index) + (isSearched ? phrase : ' ');
    end = index + whole.length;
  }
  unquoted += text.slice(end);
  words = (words + text.slice(end)).trim();
  if (required.length > 0 || /[\p{L}\p{N}]/u.test(unquoted)) return { words, phrases: quoted, required, excluded };
  return { words, phrases: [], required: quoted, excluded };
}

/** What a query has too many of; undefined when it is within the limits. */
export function clauseProblem({ phrases, required, excluded }: SearchText): string | undefined {
  const clauses = phrases.length + required.length + excluded.length;
  const { queryClauses } = requestLimits;
  return clauses <= queryClauses
    ? undefined
    : `has ${clauses} phrases and words to require, exclude or favour: at most ${queryClauses} are taken`;
}

/** The words of a text, in lower case and without what surrounds them; compatibility forms are one (UAX #15, NFKC). */
export function wordsOf(text: string): string[] {
  return (
    withFewMarks(text)
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}
