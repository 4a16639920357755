import { setImmediate } from 'node:timers/promises';

/** What stands around every word, and before every message, in the text of a sample: no word has these characters. */
export const delimiters = { word: '\u0001', message: '\u0002' } as const;

/** A tenant's messages, or every so-many-th of them, as the words that each has. */
export interface MessageSample {
  /** Messages of the tenant, sampled or not. */
  readonly messages: number;
  /** Messages of the sample, and the different words of each, added up. */
  readonly sampled: number;
  readonly words: number;
  /** For each message of the sample its different words, in {@link delimiters}: `\u0002\u0001a\u0001b\u0001`. */
  readonly text: string;
}

// More than a sample has different words, as far as that stays small.
const maxCounters = 2 ** 19;
// Postings that are remembered, 8 bytes each: those of the words of some queries.
const maxKnownPostings = 2 ** 18;
// A message of more different words is long: they are stored apart from it, and to read them takes time.
const longMessage = 512;
// Characters that are looked at before others have their turn: a millisecond or two.
const sliceLength = 2 ** 16;
const wordDelimiter = delimiters.word.charCodeAt(0);
const messageDelimiter = delimiters.message.charCodeAt(0);

/**
 * How common words are with one tenant, taken from a sample of its messages. The text of the sample is kept as it came,
 * and looked through for the words that are asked for: most tenants are searched for a few, now and then.
 */
export class TermStatistics {
  /** Messages of the tenant. */
  readonly messages: number;
  /** Messages of the sample. */
  readonly sampled: number;
  /** Mean number of different words of a message. */
  readonly averageLength: number;
  /** Messages that one of the sample stands for; 1 when all are in it. */
  readonly share: number;
  /** What it holds in memory, in characters. */
  readonly size: number;
  readonly #text: string;
  /** Least recently asked first. */
  readonly #postings = new Map<string, readonly number[]>();
  #knownPostings = 0;
  #lengthSpread: number | undefined;
  #longPlaces: readonly number[] | undefined;
  #reading: Promise<void> | undefined;
  #counting: Promise<void> | undefined;
  #messages: MessagePlaces | undefined;
  #counts: WordCounts | undefined;

  constructor({ messages, sampled, words, text }: MessageSample) {
    this.messages = messages;
    this.sampled = sampled;
    this.averageLength = sampled > 0 ? words / sampled : 1;
    this.share = sampled > 0 ? messages / sampled : 1;
    this.size = text.length;
    this.#text = text;
  }

  /**
   * Reads the text of the sample a slice at a time, so that what is asked next holds nobody up. Once: later calls find it
   * read.
   *
   * @param wants also the rough counts of words.
   */
  async read(wants: { readonly counts: boolean }): Promise<void> {
    this.#reading ??= this.#readInSlices(new MessagePlaces(), (places) => (this.#messages ??= places));
    await this.#reading;
    if (!wants.counts) return;
    this.#counting ??= this.#readInSlices(new WordCounts(this.#text.length), (counts) => (this.#counts ??= counts));
    await this.#counting;
  }

  async #readInSlices<Reader extends SampleReader>(reader: Reader, done: (reader: Reader) => void): Promise<void> {
    const { length } = this.#text;
    for (let from = 0; from < length; from += sliceLength) {
      reader.read(this.#text, from, Math.min(length, from + sliceLength));
      if (from + sliceLength < length) await setImmediate();
    }
    done(reader);
  }

  /** Messages of the sample that have the word, by their place in it, in order. Reads the text of the sample. */
  postingsOf(term: string): readonly number[] {
    const known = this.#postings.get(term);
    this.#postings.delete(term);
    const postings = known ?? this.#find(term);
    this.#postings.set(term, postings);
    // What nobody said takes room, too.
    if (known === undefined) this.#knownPostings += postings.length + 1;
    for (const [oldest, ofOldest] of this.#postings) {
      if (this.#knownPostings <= maxKnownPostings) break;
      this.#postings.delete(oldest);
      this.#knownPostings -= ofOldest.length + 1;
    }
    return postings;
  }

  /** How many different words a message of the sample has. */
  lengthOf(place: number): number {
    return Math.max(0, this.#readMessages().lengths[place] ?? 0);
  }

  /** How unequal messages are in length: the standard deviation of their numbers of words by the mean; 0 without any. */
  get lengthSpread(): number {
    this.#lengthSpread ??= spreadOf(this.#readMessages().lengths.map((length) => Math.max(0, length)));
    return this.#lengthSpread;
  }

  /** How many messages have the word, about. */
  frequency(term: string): number {
    return this.postingsOf(term).length * this.share;
  }

  idf(term: string): number {
    return idf(this.messages, this.frequency(term));
  }

  /**
   * Messages of the sample that have the word; seldom a few more, never fewer. All words are counted by one look at the
   * text, so that any number of them may be asked for.
   */
  roughCount(term: string): number {
    this.#counts ??= this.#readAtOnce(new WordCounts(this.#text.length));
    return this.#counts.of(term);
  }

  /** Long messages of the sample, by their place in it: each has more different words than most messages have words. */
  get longPlaces(): readonly number[] {
    this.#longPlaces ??= this.#readMessages().lengths.flatMap((length, place) => (length > longMessage ? [place] : []));
    return this.#longPlaces;
  }

  #find(term: string): number[] {
    const delimited = delimiters.word + term + delimiters.word;
    const postings: number[] = [];
    let at = this.#text.indexOf(delimited);
    if (at === -1) return postings;
    const { starts } = this.#readMessages();
    for (let place = 0; at !== -1; at = this.#text.indexOf(delimited, at + delimited.length - 1)) {
      while ((starts[place + 1] ?? Infinity) < at) place += 1;
      postings.push(place);
    }
    return postings;
  }

  #readMessages(): MessagePlaces {
    this.#messages ??= this.#readAtOnce(new MessagePlaces());
    return this.#messages;
  }

  #readAtOnce<Reader extends SampleReader>(reader: Reader): Reader {
    reader.read(this.#text, 0, this.#text.length);
    return reader;
  }
}

/** Reads the text of a sample from its beginning to its end, in slices. */
interface SampleReader {
  read(text: string, from: number, to: number): void;
}

/** Where each message begins, and how many words it has. */
class MessagePlaces implements SampleReader {
  readonly starts: number[] = [];
  readonly lengths: number[] = [];

  read(text: string, from: number, to: number): void {
    let place = this.lengths.length - 1;
    let words = this.lengths[place] ?? -1;
    for (let at = from; at < to; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit === wordDelimiter) words += 1;
      else if (unit === messageDelimiter) {
        if (place >= 0) this.lengths[place] = words;
        this.starts.push(at);
        this.lengths.push(-1);
        place += 1;
        words = -1;
      }
    }
    if (place >= 0) this.lengths[place] = words;
  }
}

function spreadOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  if (mean === 0) return 0;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) / mean;
}

/** Inverse document frequency as Lucene has it: never negative, however common the word. */
export function idf(messages: number, messagesWithTerm: number): number {
  const found = Math.min(messagesWithTerm, messages);
  return Math.log(1 + (messages - found + 0.5) / (found + 0.5));
}

const hashStart = 0x81_1c_9d_c5 | 0;

function hashNext(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01_00_01_93);
}

/**
 * How often each word stands in a text. Words that share both their counters are counted together.
 *
 * Source: Cormode and Muthukrishnan, An Improved Data Stream Summary: The Count-Min Sketch (2005); words by FNV-1a.
 */
class WordCounts implements SampleReader {
  readonly #mask: number;
  readonly #rows: readonly [Uint16Array, Uint16Array];

  /** Of the word that the end of a slice has cut. */
  #hash = hashStart;

  /** @param length of the text, in characters. */
  constructor(length: number) {
    const counters = Math.min(maxCounters, 2 ** Math.ceil(Math.log2(length / 4 + 4096)));
    this.#mask = counters - 1;
    this.#rows = [new Uint16Array(counters), new Uint16Array(counters)];
  }

  read(text: string, from: number, to: number): void {
    let hash = this.#hash;
    for (let at = from; at < to; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit !== wordDelimiter && unit !== messageDelimiter) {
        hash = hashNext(hash, unit);
        continue;
      }
      // Between two messages there is no word.
      if (hash !== hashStart) this.#add(hash);
      hash = hashStart;
    }
    this.#hash = hash;
  }

  of(term: string): number {
    let hash = hashStart;
    for (let at = 0; at < term.length; at += 1) hash = hashNext(hash, term.charCodeAt(at));
    const [first, second] = this.#rows;
    return Math.min(first[this.#place(hash, 0x85_eb_ca_6b)] ?? 0, second[this.#place(hash, 0xc2_b2_ae_35)] ?? 0);
  }

  #add(hash: number): void {
    const [first, second] = this.#rows;
    const one = this.#place(hash, 0x85_eb_ca_6b);
    const other = this.#place(hash, 0xc2_b2_ae_35);
    first[one] = (first[one] ?? 0) + 1;
    second[other] = (second[other] ?? 0) + 1;
  }

  #place(hash: number, factor: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 16), factor);
    return (mixed ^ (mixed >>> 13)) & this.#mask;
  }
}
