import { idf } from './bm25.ts';

/** What stands around every word, and before every message, in the text of a sample: no word has these characters. */
export const sampleMarks = { word: '\u0001', message: '\u0002' } as const;

/** A tenant's messages, or every so-many-th of them, as the words that each has. */
export interface MessageSample {
  /** Messages of the tenant, sampled or not. */
  readonly messages: number;
  /** Messages of the sample, and the different words of each, added up. */
  readonly sampled: number;
  readonly words: number;
  /** For each message of the sample its different words, in {@link sampleMarks}: `\u0002\u0001a\u0001b\u0001`. */
  readonly text: string;
}

/**
 * How common words are with one tenant, taken from a sample of its messages. The text of the sample is kept as it came,
 * and looked through for the words that are asked for: most tenants are searched for a few, now and then.
 */
export class TermStatistics {
  /** Messages of the tenant. */
  readonly messages: number;
  /** Mean number of different words of a message. */
  readonly averageLength: number;
  /** Messages that one of the sample stands for; 1 when all are in it. */
  readonly share: number;
  /** What it holds in memory, in characters. */
  readonly size: number;
  readonly #text: string;
  readonly #places = new Map<string, readonly number[]>();
  #starts: readonly number[] | undefined;
  #lengths: readonly number[] | undefined;

  constructor({ messages, sampled, words, text }: MessageSample) {
    this.messages = messages;
    this.averageLength = sampled > 0 ? words / sampled : 1;
    this.share = sampled > 0 ? messages / sampled : 1;
    this.size = text.length;
    this.#text = text;
  }

  /** Messages of the sample that have the word, by their place in it, in order. */
  placesOf(term: string): readonly number[] {
    let places = this.#places.get(term);
    if (places === undefined) {
      places = this.#find(term);
      this.#places.set(term, places);
    }
    return places;
  }

  /** How many different words a message of the sample has. */
  lengthOf(place: number): number {
    this.#lengths ??= this.#text
      .split(sampleMarks.message)
      .slice(1)
      .map((words) => words.split(sampleMarks.word).length - 2);
    return Math.max(0, this.#lengths[place] ?? 0);
  }

  /** How many messages have the word, about. */
  frequency(term: string): number {
    return this.placesOf(term).length * this.share;
  }

  idf(term: string): number {
    return idf(this.messages, this.frequency(term));
  }

  #find(term: string): number[] {
    const marked = sampleMarks.word + term + sampleMarks.word;
    const places: number[] = [];
    let at = this.#text.indexOf(marked);
    if (at === -1) return places;
    this.#starts ??= positionsOf(this.#text, sampleMarks.message);
    const starts = this.#starts;
    for (let place = 0; at !== -1; at = this.#text.indexOf(marked, at + marked.length - 1)) {
      while ((starts[place + 1] ?? Infinity) < at) place += 1;
      places.push(place);
    }
    return places;
  }
}

function positionsOf(text: string, mark: string): number[] {
  const positions: number[] = [];
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) positions.push(at);
  return positions;
}
