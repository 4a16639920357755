import type { Candidate } from './candidate.ts';

// So many of the different words of both are words of either.
const leastShared = 0.8;
// At the strength 1 a quarter of the relevance is left.
const lossPerStrength = 3;

const endsAsQuestion = /[?？؟;]["'”’»)\]]*\s*$/u;
const askingWords = new Set('who whom whose what where when why which how'.split(' '));
const auxiliaries = new Set(
  'is are was were am do does did has have had can could will would should shall many much long old often far'.split(
    ' ',
  ),
);
const contractions = /^(?:who|what|where|when|why|how)['’]s$/u;

/** Whether a text asks: by its last mark, or in English by its first words. */
export function isQuestion(text: string): boolean {
  if (endsAsQuestion.test(text.slice(-64))) return true;
  const [first = '', second = ''] = text.slice(0, 64).toLowerCase().trim().split(/\s+/u);
  return contractions.test(first) || (askingWords.has(first) && auxiliaries.has(second));
}

// Not # and +, which names end with: C#, C++.
const edgeMarks = new Set('.,;:!?\'"“”‘’«»„()[]{}¡¿。、*_~`–—-');

/** The words of a text as they compare: compatibility forms, cases, blanks and the marks around words are all one. */
function comparableWords(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/\s+/u)
    .map(withoutEdgeMarks)
    .filter((word) => word !== '');
}

/** A minus before a digit stays: -5 is not 5. */
function withoutEdgeMarks(word: string): string {
  const isMark = (at: number) => edgeMarks.has(word.charAt(at)) && !/^-\d/u.test(word.slice(at, at + 2));
  let start = 0;
  let end = word.length;
  while (start < end && isMark(start)) start += 1;
  while (end > start && isMark(end - 1)) end -= 1;
  return word.slice(start, end);
}

/** What texts have in common that say the same. A question and a statement of the same words do not. */
export function textKey(text: string): string {
  const words = comparableWords(text).join(' ');
  return words === '' ? text.trim() : `${words}${isQuestion(text) ? '?' : ''}`;
}

/** Tells whether a text does no more than to repeat a question. Undefined when the query is none: nothing repeats it. */
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

// Of the words of a longer query only so many are scored.
const scoredWords = 32;
// The name of who says it is among the words of a message.
const nameWords = 3;

/**
 * Whether its scores leave it open that it repeats the query: it has nearly all words that are scored, and hardly others.
 *
 * @param queryWords how many different words the query has, stop words included
 */
export function mayEcho({ termScores, wordCount }: Candidate, queryWords: number): boolean {
  const isKnown = termScores.length > 0 && termScores.length < scoredWords;
  const most = (isKnown ? termScores.length : queryWords) / leastShared + nameWords;
  return wordCount <= most && termScores.filter((score) => score > 0).length >= leastShared * termScores.length;
}

/** What is left of the relevance of a question that repeats the query, 0 to 1. */
export function echoShare(strength: number): number {
  return 1 / (1 + lossPerStrength * strength);
}
