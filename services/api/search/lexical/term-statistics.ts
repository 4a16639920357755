import { idf } from './bm25.ts';

/** A tenant's messages, or every so-many-th of them, as the words that each has. */
export interface MessageSample {
  /** Messages of the tenant, sampled or not. */
  readonly messages: number;
  /** The different words of each message of the sample. */
  readonly words: readonly (readonly string[])[];
}

/** How common words are with one tenant, taken from a sample of its messages. */
export class TermStatistics {
  /** Messages of the tenant. */
  readonly messages: number;
  /** Mean number of different words of a message. */
  readonly averageLength: number;
  /** Messages that one of the sample stands for; 1 when all are in it. */
  readonly share: number;
  /** What it holds in memory, in entries. */
  readonly size: number;
  readonly #lengths: readonly number[];
  readonly #places: ReadonlyMap<string, readonly number[]>;

  constructor(sample: MessageSample) {
    const places = new Map<string, number[]>();
    const lengths = sample.words.map((words) => words.length);
    const length = lengths.reduce((sum, one) => sum + one, 0);
    for (const [index, words] of sample.words.entries()) {
      for (const word of words) {
        const known = places.get(word);
        if (known) known.push(index);
        else places.set(word, [index]);
      }
    }
    const sampled = sample.words.length;
    this.messages = sample.messages;
    this.averageLength = sampled > 0 ? length / sampled : 1;
    this.share = sampled > 0 ? sample.messages / sampled : 1;
    this.size = length + places.size;
    this.#lengths = lengths;
    this.#places = places;
  }

  /** Messages of the sample that have the word, by their place in it. */
  placesOf(term: string): readonly number[] {
    return this.#places.get(term) ?? [];
  }

  /** How many different words a message of the sample has. */
  lengthOf(place: number): number {
    return this.#lengths[place] ?? 0;
  }

  /** How many messages have the word, about. */
  frequency(term: string): number {
    return this.placesOf(term).length * this.share;
  }

  idf(term: string): number {
    return idf(this.messages, this.frequency(term));
  }
}
