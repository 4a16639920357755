import { z } from 'zod';
import type { MetricsSnapshot } from '@memory-layer/shared/observability/metrics-sum';

const snapshotSchema = z.custom<MetricsSnapshot>((value) => Array.isArray(value));
const problemSchema = z.string().optional();
const metricsSchema = z.string();

/** What one process asks another. */
interface Answers {
  /** Why it is not ready, in a word; undefined when it is. */
  readonly problem: () => Promise<string | undefined>;
  /** Its own metrics. */
  readonly snapshot: () => Promise<MetricsSnapshot>;
  /** Those of all processes, as text. */
  readonly metrics: () => Promise<string>;
}

type Question = keyof Answers;

/** What one process lets another know. */
const noticeSchema = z.discriminatedUnion('notice', [
  z.strictObject({ notice: z.literal('started') }),
  /** Its last words: it ends after this. */
  z.strictObject({ notice: z.literal('ending'), snapshot: snapshotSchema }),
  /** It is replaced: it is to finish what it has begun, and to end. */
  z.strictObject({ notice: z.literal('retire') }),
]);
type Notice = z.output<typeof noticeSchema>;

const messageSchema = z.union([
  noticeSchema,
  z.strictObject({ ask: z.enum(['problem', 'snapshot', 'metrics']), id: z.number() }),
  z.strictObject({ answerTo: z.number(), value: z.unknown() }),
  z.strictObject({ failed: z.number() }),
]);
export type Message = z.output<typeof messageSchema>;

/** The channel between a process and the one that started it. */
export interface ProcessChannel {
  /** Never throws: a message to a process that has ended is lost. */
  send(message: Message, onSent: () => void): void;
  onMessage(listener: (message: unknown) => void): void;
}

export interface LinkHandlers {
  readonly answers: Partial<Answers>;
  onNotice(notice: Notice): void;
}

const patienceMs = 2000;

/** Questions and notices between two processes of one service. Messages of others on the same channel are left alone. */
export class ProcessLink {
  readonly #channel: ProcessChannel;
  readonly #handlers: LinkHandlers;
  readonly #asked = new Map<number, (message: Message) => void>();
  #lastId = 0;

  constructor(channel: ProcessChannel, handlers: LinkHandlers) {
    this.#channel = channel;
    this.#handlers = handlers;
    channel.onMessage((message) => {
      const parsed = messageSchema.safeParse(message);
      if (parsed.success) void this.#take(parsed.data);
    });
  }

  /** Resolves once the notice is on its way. */
  notify(notice: Notice): Promise<void> {
    return new Promise((resolve) => this.#channel.send(notice, resolve));
  }

  /** @throws when the other process does not answer in time, or cannot; the others likewise. */
  problem(): Promise<string | undefined> {
    return this.#ask('problem', problemSchema);
  }

  snapshot(): Promise<MetricsSnapshot> {
    return this.#ask('snapshot', snapshotSchema);
  }

  metrics(): Promise<string> {
    return this.#ask('metrics', metricsSchema);
  }

  async #ask<T>(question: Question, schema: z.ZodType<T>): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(new Error(`no answer to ${question}`)), patienceMs);
    this.#asked.set(id, (message) => {
      if ('answerTo' in message) resolve(message.value);
      else reject(new Error(`no answer to ${question}`));
    });
    try {
      this.#channel.send({ ask: question, id }, () => undefined);
      return schema.parse(await promise);
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  async #take(message: Message): Promise<void> {
    if ('notice' in message) {
      this.#handlers.onNotice(message);
    } else if ('ask' in message) {
      this.#channel.send(await this.#answer(message.ask, message.id), () => undefined);
    } else {
      this.#asked.get('answerTo' in message ? message.answerTo : message.failed)?.(message);
    }
  }

  async #answer(question: Question, id: number): Promise<Message> {
    try {
      const answer = this.#handlers.answers[question];
      return answer === undefined ? { failed: id } : { answerTo: id, value: await answer() };
    } catch {
      return { failed: id };
    }
  }
}
