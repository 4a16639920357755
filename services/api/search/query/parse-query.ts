import { requestLimits } from '../../cost/request-cost.ts';

/** A query as its writer meant it. */
export interface SearchText {
  /** What is searched for, phrases included and exclusions left out: the text to embed and to take words from. */
  readonly words: string;
  /** Texts in quotes within a sentence: what has their words in this order, side by side, is found more readily. */
  readonly phrases: readonly string[];
  /** Texts in quotes that a hit must have. */
  readonly required: readonly string[];
  /** Words and quoted texts after a minus: no hit has one of them. */
  readonly excluded: readonly string[];
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
export function parseSearchText(text: string): SearchText {
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
    : `has ${clauses} texts in quotes and words after a minus: at most ${queryClauses} are taken`;
}

/** The words of a text, in lower case and without what surrounds them; compatibility forms are one (UAX #15, NFKC). */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}
