import type { Role } from '@memory-layer/shared/db/schema';
import type { VectorMemory, VectorSet } from './vector-memory.ts';
import { WordIndex, type CountedWord } from './word-index.ts';

/** What is known of a message, but for its text. */
export interface KnownMessage {
  readonly id: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly speaker: string | undefined;
  readonly importance: number;
  /** Microseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; Infinity for one that stays. */
  readonly expiresAt: number;
}

export interface LoadedMessage extends KnownMessage {
  readonly words: readonly CountedWord[];
}

/** Of a message with its conversation's entry. */
const bytesPerMessage = 500;

/**
 * The messages of one tenant with their words and vectors, in memory. Each has a number, which is not used again when
 * it goes: a number stands for one text.
 */
export class TenantIndex {
  readonly vectors: VectorSet;
  readonly words = new WordIndex();
  readonly #messages: (KnownMessage | undefined)[] = [];
  readonly #vectorsOf: number[][] = [];
  readonly #numbers = new Map<string, number>();
  readonly #conversations = new Map<string, number[]>();
  #nowMs = 0;
  #isClosed = false;
  #expires = false;

  constructor(memory: VectorMemory) {
    this.vectors = memory.createSet();
  }

  /** Estimated. */
  get bytes(): number {
    return this.words.bytes + this.#messages.length * bytesPerMessage + this.vectors.bytes;
  }

  /** One more than the greatest number of a message. */
  get size(): number {
    return this.#messages.length;
  }

  /** Its memory was given back: it answers nothing any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.vectors.clear();
  }

  /** Messages that are there. */
  get count(): number {
    return this.#numbers.size;
  }

  /** Whether any message expires some time. */
  get expires(): boolean {
    return this.#expires;
  }

  /** The database's clock when the index was last compared with it. */
  set now(nowMs: number) {
    this.#nowMs = nowMs;
  }

  has(id: string): boolean {
    return this.#numbers.has(id);
  }

  numberOf(id: string): number | undefined {
    return this.#numbers.get(id);
  }

  /** Undefined for one that is gone or has expired. */
  messageOf(number: number): KnownMessage | undefined {
    const message = this.#messages[number];
    return message !== undefined && message.expiresAt > this.#nowMs ? message : undefined;
  }

  vectorsOf(number: number): readonly number[] {
    return this.#vectorsOf[number] ?? [];
  }

  /** @param message one that is not there. */
  add({ words, ...message }: LoadedMessage): void {
    const number = this.#messages.length;
    this.#messages.push(message);
    this.#expires ||= message.expiresAt !== Infinity;
    this.#vectorsOf.push([]);
    this.#numbers.set(message.id, number);
    this.words.add(number, words);
    const inOrder = this.#conversations.get(message.conversationId);
    if (inOrder === undefined) this.#conversations.set(message.conversationId, [number]);
    else inOrder.splice(this.#placeOf(message, inOrder), 0, number);
  }

  /** Puts a changed message in the place of the one before, whose vectors it keeps until it is given others. */
  replace(message: LoadedMessage): void {
    const before = this.#numbers.get(message.id);
    const vectors = before === undefined ? [] : this.vectorsOf(before);
    if (before !== undefined) this.#vectorsOf[before] = [];
    this.remove(message.id);
    this.add(message);
    const number = this.#messages.length - 1;
    for (const one of vectors) this.vectors.setOwner(one, number);
    this.#vectorsOf[number] = [...vectors];
  }

  /** @returns whether there was room; nothing is changed when there was not. */
  setVectors(id: string, vectors: readonly Uint8Array[]): boolean {
    const number = this.#numbers.get(id);
    if (number === undefined) return true;
    const added: number[] = [];
    for (const vector of vectors) {
      const place = this.vectors.add(vector, number);
      if (place === undefined) {
        for (const one of added) this.vectors.remove(one);
        return false;
      }
      added.push(place);
    }
    for (const one of this.vectorsOf(number)) this.vectors.remove(one);
    this.#vectorsOf[number] = added;
    return true;
  }

  remove(id: string): void {
    const number = this.#numbers.get(id);
    const message = number === undefined ? undefined : this.#messages[number];
    if (number === undefined || message === undefined) return;
    for (const one of this.vectorsOf(number)) this.vectors.remove(one);
    this.#vectorsOf[number] = [];
    this.#messages[number] = undefined;
    this.#numbers.delete(id);
    const inOrder = this.#conversations.get(message.conversationId) ?? [];
    inOrder.splice(inOrder.indexOf(number), 1);
    if (inOrder.length === 0) this.#conversations.delete(message.conversationId);
  }

  /** Up to `reach` messages before it, itself, and as many after it, in the order of their conversation. */
  chainOf(number: number, reach: number): number[] {
    const message = this.#messages[number];
    const inOrder = message === undefined ? [] : (this.#conversations.get(message.conversationId) ?? []);
    const at = message === undefined ? 0 : this.#placeOf(message, inOrder);
    const chain = [number];
    for (let step = at - 1; step >= 0 && chain.length <= reach; step -= 1) {
      const earlier = inOrder[step];
      if (earlier !== undefined && this.messageOf(earlier) !== undefined) chain.unshift(earlier);
    }
    const before = chain.length;
    for (let step = at + 1; step < inOrder.length && chain.length < before + reach; step += 1) {
      const later = inOrder[step];
      if (later !== undefined && this.messageOf(later) !== undefined) chain.push(later);
    }
    return chain;
  }

  /** Where the message stands among those of its conversation, or would. */
  #placeOf(message: KnownMessage, inOrder: readonly number[]): number {
    let [low, high] = [0, inOrder.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#messages[inOrder[middle] ?? -1];
      if (other !== undefined && compareMessages(other, message) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** In the order of a conversation: by time, then by id. */
export function compareMessages(one: KnownMessage, other: KnownMessage): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}
