import { stemmer } from 'stemmer';
import { eng, removeStopwords } from 'stopword';
import type { Turn } from './chat.ts';

/** Constants of BM25 as most engines have them (Robertson and Zaragoza, 2009). */
const k1 = 1.2;
const b = 0.75;

export interface Bm25Options {
  /** What a turn gets of the score of the turn before it and of the one after it in its session. */
  readonly neighbourShare: number;
}

/** Ranks the turns said before a moment, best first: those alone that have a word of the query. */
export type Bm25 = (query: string, until: Date | undefined, options: Bm25Options) => string[];

// Words of any language, Chinese and Japanese ones included.
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** English words stemmed (Porter, 1980), without stop words; words of other languages as they are. */
function wordsOf(text: string): string[] {
  const words = [...segmenter.segment(text.normalize('NFKC').toLowerCase())].filter(({ isWordLike }) => isWordLike);
  return removeStopwords(
    words.map(({ segment }) => segment),
    eng,
  ).map((word) => stemmer(word));
}

/**
 * Plain BM25 over the turns of a chat, the yardstick of every ranking: nothing of it is the product's.
 *
 * @param turns in the order in which they were said
 */
export function createBm25(turns: readonly Turn[]): Bm25 {
  const lengths = turns.map(() => 0);
  const postings = new Map<string, Map<number, number>>();
  for (const [index, { text, speaker = '' }] of turns.entries()) {
    const words = wordsOf(`${speaker} ${text}`);
    lengths[index] = words.length;
    for (const word of words) {
      const found = postings.get(word) ?? new Map<number, number>();
      found.set(index, (found.get(index) ?? 0) + 1);
      postings.set(word, found);
    }
  }
  const averageLength = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, turns.length);
  const besides = turns.map((turn, index) =>
    [index - 1, index + 1].filter((beside) => turns[beside]?.session === turn.session),
  );

  function scoresOf(query: string): Float64Array {
    const scores = new Float64Array(turns.length);
    for (const word of new Set(wordsOf(query))) {
      const found = postings.get(word);
      if (found === undefined) continue;
      const idf = Math.log(1 + (turns.length - found.size + 0.5) / (found.size + 0.5));
      for (const [index, count] of found) {
        const length = 1 - b + (b * (lengths[index] ?? 0)) / averageLength;
        scores[index] = (scores[index] ?? 0) + (idf * count * (k1 + 1)) / (count + k1 * length);
      }
    }
    return scores;
  }

  return (query, until, { neighbourShare }) => {
    const alone = scoresOf(query);
    const total = alone.map((score, index) => {
      const beside = (besides[index] ?? []).reduce((sum, other) => sum + (alone[other] ?? 0), 0);
      return score + neighbourShare * beside;
    });
    return turns
      .map(({ turnId, saidAt }, index) => ({ turnId, saidAt, score: total[index] ?? 0 }))
      .filter(({ saidAt, score }) => score > 0 && (until === undefined || saidAt < until))
      .toSorted((one, other) => other.score - one.score)
      .map(({ turnId }) => turnId);
  };
}
