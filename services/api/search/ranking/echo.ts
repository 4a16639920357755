import type { Candidate } from './candidate.ts';

// Least share of common words (Jaccard index).
const leastShared = 0.8;
// At strength 1 a quarter of the relevance is left.
const lossPerStrength = 3;

const endsAsQuestion = /[?？؟;]["'”’»)\]]*\s*$/u;
const askingWords = new Set('who whom whose what where when why which how'.split(' '));
const auxiliaries = new Set(
  'is are was were am do does did has have had can could will would should shall many much long old often far'.split(
    ' ',
  ),
);
const contractions = /^(?:who|what|where|when|why|how)['’]s$/u;

/** Whether a text is a question: by its final mark, or in English by its first words. */
export function isQuestion(text: string): boolean {
  if (endsAsQuestion.test(text.slice(-64))) return true;
  const [first = '', second = ''] = text.slice(0, 64).toLowerCase().trim().split(/\s+/u);
  return contractions.test(first) || (askingWords.has(first) && auxiliaries.has(second));
}

// Without # and +, with which names end: C#, C++.
const edgeMarks = new Set('.,;:!?\'"“”‘’«»„()[]{}¡¿。、*_~`–—-');

/** The words of a text for a comparison that ignores compatibility forms, case, whitespace and marks around words. */
function comparableWords(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/\s+/u)
    .map(withoutEdgeMarks)
    .filter((word) => word !== '');
}

/** Keeps a minus before a digit: -5 is not 5. */
function withoutEdgeMarks(word: string): string {
  const isMark = (at: number) => edgeMarks.has(word.charAt(at)) && !/^-\d/u.test(word.slice(at, at + 2));
  let start = 0;
  let end = word.length;
  while (start < end && isMark(start)) start += 1;
  while (end > start && isMark(end - 1)) end -= 1;
  return word.slice(start, end);
}

/** A key that is equal for texts that say the same. A question and a statement of the same words have different keys. */
export function textKey(text: string): string {
  const words = comparableWords(text).join(' ');
  return words === '' ? text.trim() : `${words}${isQuestion(text) ? '?' : ''}`;
}

/** A test whether a text only repeats the query. Undefined when the query is not a question. */
export function createEchoTest(query: string): ((text: string) => boolean) | undefined {
  if (!isQuestion(query)) return undefined;
  const asked = new Set(comparableWords(query));
  return (text) => {
    if (!isQuestion(text)) return false;
    const words = new Set(comparableWords(text));
    const shared = words.intersection(asked).size;
    return shared > 0 && shared >= leastShared * (words.size + asked.size - shared);
  };
}

// Words of a longer query that are scored.
const scoredWords = 32;
// Words of the speaker's name, which count among those of a message.
const nameWords = 3;

/**
 * Whether a candidate may repeat the query, by its scores: it has nearly all scored words, and few others.
 *
 * @param queryWords number of different words of the query, stop words included
 * @param missing scored terms that a question never has
 */
export function mayEcho({ termScores, wordCount }: Candidate, queryWords: number, missing = 0): boolean {
  const isKnown = termScores.length > 0 && termScores.length < scoredWords;
  const most = (isKnown ? termScores.length : queryWords) / leastShared + nameWords;
  return (
    wordCount <= most && termScores.filter((score) => score > 0).length >= leastShared * (termScores.length - missing)
  );
}

/** The share of the relevance that a question keeps when it repeats the query, 0 to 1. */
export function echoShare(strength: number): number {
  return 1 / (1 + lossPerStrength * strength);
}
