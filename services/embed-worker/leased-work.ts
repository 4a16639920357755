import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { nextPart, partLimit } from '@memory-layer/shared/embedding/split-part';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Prepared } from './isolate-failures.ts';
import type { EmbeddedMessage, LeasedMessage } from './lease.ts';
import { splitMessage, spokenText } from './split-message.ts';
import type { Progress } from './unfinished-messages.ts';

interface OpenMessage {
  readonly message: LeasedMessage;
  readonly text: string;
  progress: Progress;
  /** Passages that it has already: one that comes again says nothing new, and its vector would be the same. */
  readonly seen: Set<string>;
  /** Passages of the current round, and where its part ends. */
  passages: readonly string[];
  end: number;
  advanced: boolean;
}

/** Normalised characters of a round: what a job asks of the model at a time, so that jobs take turns. */
const charactersPerRound = 16_384;
/** Numbers of passages are stored as smallint. */
const maxPassages = 32_768;

/** The messages of one job, and how far each is. A long one is worked on part by part, over several rounds. */
export class LeasedWork {
  /** In the order of their lease. */
  readonly #open: Map<string, OpenMessage>;

  constructor(messages: readonly LeasedMessage[], progressOf: (message: LeasedMessage) => Progress) {
    this.#open = new Map(
      messages.map((message) => {
        const progress = progressOf(message);
        return [
          message.messageId,
          {
            message,
            text: spokenText(message),
            progress,
            seen: new Set<string>(),
            passages: [],
            end: progress.from,
            advanced: false,
          },
        ];
      }),
    );
  }

  /** Messages that are neither finished nor dropped. */
  get open(): LeasedMessage[] {
    return Array.from(this.#open.values(), ({ message }) => message);
  }

  /** The open messages that got on and those that did not. */
  byProgress(): { readonly advanced: LeasedMessage[]; readonly idle: LeasedMessage[] } {
    const all = [...this.#open.values()];
    const messagesOf = (advanced: boolean) =>
      all.filter((each) => each.advanced === advanced).map((each) => each.message);
    return { advanced: messagesOf(true), idle: messagesOf(false) };
  }

  progressOf({ messageId }: LeasedMessage): Progress {
    return this.#open.get(messageId)?.progress ?? { from: 0, vectors: [] };
  }

  /** The next part of the first messages, cut into passages: as many as fit a round, at least one. */
  async nextRound(embedder: Embedder, signal: AbortSignal): Promise<Prepared[]> {
    const limit = partLimit(embedder.maxTokens);
    const round: OpenMessage[] = [];
    let characters = 0;
    for (const each of this.#open.values()) {
      const part = nextPart(each.text, each.progress.from, limit);
      if (round.length > 0 && characters + part.characters > charactersPerRound) break;
      characters += part.characters;
      round.push(each);
    }
    return Promise.all(round.map((each) => prepare(each, embedder, limit, signal)));
  }

  /** Adds the vectors of a round. @returns the messages that are finished; they are open no more. */
  advance(parts: readonly EmbeddedMessage[]): EmbeddedMessage[] {
    return parts.flatMap(({ messageId, vectors }) => {
      const each = this.#open.get(messageId);
      if (each === undefined) return [];
      each.progress = { from: each.end, vectors: [...each.progress.vectors, ...vectors] };
      for (const passage of each.passages) each.seen.add(passage);
      each.advanced = true;
      if (each.end < each.text.length) return [];
      this.#open.delete(messageId);
      return [{ ...each.message, vectors: each.progress.vectors }];
    });
  }

  /** Something of the message is done, and kept, though perhaps not all of its part. */
  markAdvanced({ messageId }: LeasedMessage): void {
    const each = this.#open.get(messageId);
    if (each !== undefined) each.advanced = true;
  }

  drop({ messageId }: LeasedMessage): void {
    this.#open.delete(messageId);
  }
}

async function prepare(each: OpenMessage, embedder: Embedder, limit: number, signal: AbortSignal): Promise<Prepared> {
  const { message, text, progress } = each;
  try {
    const part = await splitMessage(message, embedder, { from: progress.from, limit, options: { signal } });
    each.end = part.end;
    each.passages = part.passages;
    const passages = [...new Set(part.passages)].filter((passage) => !each.seen.has(passage));
    const count = progress.vectors.length + passages.length;
    if (count > maxPassages) {
      throw new AppError('embedding_rejected', `The text has more than ${maxPassages} passages.`);
    }
    // Without a vector it would neither be completed nor pending.
    if (count === 0 && part.end === text.length) {
      throw new AppError('embedding_rejected', 'The text has nothing to embed.');
    }
    return { message, passages };
  } catch (error) {
    return { message, passages: [], splitError: error };
  }
}
