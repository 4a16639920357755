/** A query as its writer meant it. */
export interface SearchText {
  /** What is searched for, phrases included and exclusions left out: the text to embed and to take words from. */
  readonly words: string;
  /** Texts in quotes: a hit has their words in this order, side by side. */
  readonly phrases: readonly string[];
  /** Words and quoted texts after a minus: no hit has one of them. */
  readonly excluded: readonly string[];
}

// A quote opens before text at the start of a word and closes before the end of one, so that 5" and 6" are no phrase.
// A minus excludes what begins with a letter or a quote: -5 is a number and --flag a word.
const operator =
  /(?<=^|[\s(])(?:(?<minus>-?)["“](?<phrase>[^"“”\s](?:[^"“”]*[^"“”\s])?)["”](?=$|[\s.,;:!?)])|-(?<word>\p{L}\S*))/gu;

/**
 * Takes quotes and minuses out of a query: `"red car" -boat -"sail boat"`. Whatever is not well formed is text like any
 * other, an unbalanced quote above all; nothing is an error.
 */
export function parseSearchText(text: string): SearchText {
  const phrases: string[] = [];
  const excluded: string[] = [];
  let words = '';
  let end = 0;
  for (const { index, 0: whole, groups = {} } of text.matchAll(operator)) {
    const { minus, phrase, word } = groups;
    const isRequired = phrase !== undefined && minus !== '-';
    if (isRequired) phrases.push(phrase);
    else excluded.push(phrase ?? word ?? '');
    words += text.slice(end, index) + (isRequired ? phrase : ' ');
    end = index + whole.length;
  }
  words += text.slice(end);
  return { words: words.trim(), phrases, excluded };
}
