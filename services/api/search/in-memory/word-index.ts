import { roundScore } from '../ranking/candidate.ts';
import { bm25Of, type LexicalPlan } from '../plan/lexical-plan.ts';

/** A word of a message, as its tsvector has it, and how often it is there. */
export interface CountedWord {
  readonly word: string;
  /** 1 where the tsvector keeps no places. */
  readonly count: number;
}

// A tsvector keeps at most 256 places of a word.
const countBits = 9;
const countMask = (1 << countBits) - 1;
// Of an element of an array that has grown, and of a word with its array.
const bytesPerPosting = 12;
const bytesPerWord = 120;

/** Which messages have which words. Messages are numbers below 2 million. */
export class WordIndex {
  readonly #postings = new Map<string, number[]>();
  readonly #lengths: number[] = [];
  #bytes = 0;

  /** Estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param message one that was not added before. */
  add(message: number, words: readonly CountedWord[]): void {
    for (const { word, count } of words) {
      const posting = (message << countBits) | Math.min(count, countMask);
      const postings = this.#postings.get(word);
      if (postings === undefined) {
        this.#postings.set(word, [posting]);
        this.#bytes += bytesPerWord + 2 * word.length;
      } else postings.push(posting);
    }
    this.#lengths[message] = words.length;
    this.#bytes += words.length * bytesPerPosting;
  }

  /** Different words of a message. */
  lengthOf(message: number): number {
    return this.#lengths[message] ?? 0;
  }

  /** @param messages one more than the greatest number of a message. */
  score(plan: LexicalPlan, messages: number): WordScores {
    const { mostOf, fixed, perWord } = bm25Of(plan);
    const terms = plan.terms.map(({ term, weight }) => ({
      most: mostOf(weight),
      counts: new Uint16Array(messages),
      postings: this.#postings.get(term) ?? [],
    }));
    const scoreOf = (most: number, count: number, message: number) =>
      count === 0 ? 0 : most / (1 + (fixed + perWord * this.lengthOf(message)) / count);
    const sums = new Float64Array(messages);
    const isFound = new Uint8Array(messages);
    const found: number[] = [];
    for (const { most, counts, postings } of terms) {
      for (const posting of postings) {
        const message = posting >> countBits;
        counts[message] = posting & countMask;
        sums[message] = (sums[message] ?? 0) + scoreOf(most, posting & countMask, message);
        if (isFound[message] === 1) continue;
        isFound[message] = 1;
        found.push(message);
      }
    }
    return {
      found,
      sums,
      termScores: (message) =>
        terms.map(({ most, counts }) => roundScore(scoreOf(most, counts[message] ?? 0, message))),
    };
  }
}

export interface WordScores {
  /** Messages that have any of the words. */
  readonly found: readonly number[];
  /** What their words add up to, by message. */
  readonly sums: Float64Array;
  readonly termScores: (message: number) => readonly number[];
}

/**
 * The words of a tsvector in PostgreSQL's binary form.
 *
 * Source: tsvectorsend in PostgreSQL's tsvector.c: number of words; of each its text, which a zero ends, the number of
 * its places, and each place in 16 bits.
 */
export function readTsvector(bytes: Buffer): CountedWord[] {
  const words: CountedWord[] = [];
  let at = 4;
  for (let left = bytes.readInt32BE(0); left > 0; left -= 1) {
    const end = bytes.indexOf(0, at);
    const places = bytes.readUInt16BE(end + 1);
    words.push({ word: bytes.toString('utf8', at, end), count: Math.max(1, places) });
    at = end + 3 + 2 * places;
  }
  return words;
}
