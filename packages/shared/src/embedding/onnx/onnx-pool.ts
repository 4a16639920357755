import os from 'node:os';
import { LRUCache } from 'lru-cache';
import { Coalescer } from '../../batching/coalescer.ts';
import { AppError } from '../../errors/app-error.ts';
import type { EmbedKind, EmbedOptions, SplitOptions } from '../embedder.ts';
import { normalisedLength } from '../token-estimate.ts';
import { noPrefixes, type Prefixes } from '../vector-space.ts';
import { planBatches } from './batch-plan.ts';
import { JobQueue, type Lane, type PushOptions } from './job-queue.ts';
import type { OnnxModelFiles } from './model-files.ts';
import type { OnnxOutput, OnnxTask, SplitText } from './onnx-protocol.ts';
import { packRows, unpackRows, unpackVectors } from './packed-rows.ts';
import { OnnxThread, type StartThread } from './onnx-thread.ts';
import type { SplitTexts } from './split-texts.ts';
import { ThreadSlot } from './thread-slot.ts';

export interface OnnxPoolOptions {
  /** Threads for passages; each holds its own copy of the model. Default: one per core. 0: the query thread does all. */
  readonly threads?: number;
  /** Whether queries have a thread of their own, so that they never wait for passages. Default: true. */
  readonly queryThread?: boolean;
  /** Niceness (0..19) of the passage threads, on Linux. Default 15: queries and the rest of the machine go first. */
  readonly niceness?: number;
  /** Largest rows x longest of a batch, in tokens. Default 512: what one thread computes in some 50 ms. */
  readonly tokenBudget?: number;
  /** How a thread is started; for tests. */
  readonly startThread?: StartThread;
}

/** Texts that one task carries, and their characters after normalisation: a thread tokenises them in some 60 ms. */
const textsPerTask = 64;
const charactersPerTask = 8192;

/** Texts in one task: a larger one is alone in its task. */
interface TaskTexts {
  readonly texts: string[];
  cost: number;
}

function intoTasks(texts: readonly string[]): TaskTexts[] {
  const tasks: TaskTexts[] = [];
  for (const text of texts) {
    const cost = normalisedLength(text);
    const last = tasks.at(-1);
    if (last && last.texts.length < textsPerTask && last.cost + cost <= charactersPerTask) {
      last.texts.push(text);
      last.cost += cost;
    } else tasks.push({ texts: [text], cost });
  }
  return tasks;
}

/** Who waits for what is tokenised. */
function laneOf(kind: EmbedKind): 'query' | 'prepare' {
  return kind === 'query' ? 'query' : 'prepare';
}

function stoppedError(): AppError {
  return new AppError('embedding_unavailable', 'The embedder is stopped.');
}

type OutputOf<K extends OnnxOutput['kind']> = Extract<OnnxOutput, { readonly kind: K }>;

function isOutputOf<K extends OnnxOutput['kind']>(output: OnnxOutput, kind: K): output is OutputOf<K> {
  return output.kind === kind;
}

const cachedPassages = 4096;

/** Token ids of passages, with their prefix, that were split just now and are about to be embedded: nothing is tokenised twice. */
class TokenCache {
  readonly #rows = new LRUCache<string, Int32Array>({ max: cachedPassages });

  get(prefixed: string): Int32Array | undefined {
    return this.#rows.get(prefixed);
  }

  add({ texts, rows }: SplitTexts, prefix: string): void {
    const inOrder = unpackRows(rows).values();
    for (const text of texts) {
      for (const passage of 'passages' in text ? text.passages : []) {
        const { value } = inOrder.next();
        if (value) this.#rows.set(`${prefix}${passage}`, value);
      }
    }
  }
}

/**
 * Computes sentence vectors in worker threads, each with a session of one thread: faster than one session of many
 * threads, and the calling event loop stays free. Starts once, stops once.
 */
export class OnnxPool {
  readonly #queue: JobQueue;
  readonly #slots: readonly ThreadSlot[];
  readonly #tokenBudget: number;
  readonly #prefixes: Prefixes;
  readonly #tokenCache = new TokenCache();
  readonly #splitters: Readonly<Record<EmbedKind, Coalescer<string, SplitText>>>;
  #stopped = false;

  /** @param options.prefixes what is put before each text, within the model's window. Default: nothing. */
  constructor(files: OnnxModelFiles, options: OnnxPoolOptions & { readonly prefixes?: Prefixes | undefined } = {}) {
    const { threads = os.availableParallelism(), queryThread = true, niceness = 15, tokenBudget = 512 } = options;
    if (threads === 0 && !queryThread) throw new Error('an embedding pool needs at least one thread');
    this.#queue = new JobQueue(tokenBudget);
    const start = options.startThread ?? ((data) => OnnxThread.start(data));
    const slot = (lanes: readonly Lane[], nice: number): ThreadSlot =>
      new ThreadSlot(lanes, this.#queue, () => start({ files, niceness: nice }));
    const passages = Array.from({ length: threads }, () =>
      slot(queryThread ? ['prepare', 'batch'] : ['query', 'prepare', 'batch'], niceness),
    );
    const query = slot(threads > 0 ? ['query'] : ['query', 'prepare', 'batch'], 0);
    this.#slots = queryThread ? [query, ...passages] : passages;
    this.#tokenBudget = tokenBudget;
    this.#prefixes = options.prefixes ?? noPrefixes;
    this.#splitters = { query: this.#splitter('query'), passage: this.#splitter('passage') };
  }

  /** Collects what is asked for in one turn of the event loop. Nothing waits here: the queue of jobs is fair, this is not. */
  #splitter(kind: EmbedKind): Coalescer<string, SplitText> {
    return new Coalescer({
      what: 'texts to split',
      run: (texts) => this.#split(texts, kind),
      weigh: normalisedLength,
      maxBatchWeight: charactersPerTask,
      maxConcurrent: Number.POSITIVE_INFINITY,
      maxQueuedWeight: Number.POSITIVE_INFINITY,
    });
  }

  /** @throws AppError `embedding_unavailable` when a thread cannot load the model; then nothing is left running. */
  async start(): Promise<void> {
    const results = await Promise.allSettled(this.#slots.map((slot) => slot.start()));
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure) return;
    await this.stop();
    throw failure.reason;
  }

  /** Rejects what no thread has begun, lets running batches finish, and ends the threads. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.fail(['query', 'prepare', 'batch'], new AppError('embedding_unavailable', 'The embedder is stopping.'));
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  /**
   * Vectors of length one, in the order of `texts`.
   *
   * @throws AppError `embedding_unavailable` or `embedding_rejected`, or the signal's reason.
   */
  async embed(texts: readonly string[], { kind, signal }: EmbedOptions): Promise<Float32Array[]> {
    // One batch that fails takes with it those of the same call that have not begun.
    const failed = new AbortController();
    const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    try {
      const prefixed = texts.map((text) => `${this.#prefixes[kind]}${text}`);
      const rows = await this.#tokenise(prefixed, laneOf(kind), either);
      return kind === 'query' ? await this.#inferQueries(rows, either) : await this.#inferPassages(rows, either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  /**
   * One task of one thread, so the text must not be long.
   *
   * @throws AppError `embedding_rejected` when the tokenizer fails on the text, `embedding_unavailable`.
   */
  async split(text: string, { kind = 'passage', signal }: SplitOptions = {}): Promise<string[]> {
    const split = await this.#splitters[kind].submit(text, signal);
    if ('problem' in split) throw new AppError('embedding_rejected', `The tokenizer failed: ${split.problem}`);
    return [...split.passages];
  }

  /** Texts that are asked for at the same time go together: a message to a thread costs more than a short text. */
  async #split(texts: readonly string[], kind: EmbedKind): Promise<readonly SplitText[]> {
    const cost = texts.reduce((sum, text) => sum + normalisedLength(text), 0);
    const prefix = this.#prefixes[kind];
    const output = await this.#submit(laneOf(kind), { kind: 'split', texts, prefix }, { cost, signal: undefined });
    this.#tokenCache.add(output, prefix);
    return output.texts;
  }

  async #tokenise(texts: readonly string[], lane: 'query' | 'prepare', signal: AbortSignal): Promise<Int32Array[]> {
    const known = new Map(texts.map((text) => [text, this.#tokenCache.get(text)]));
    const unknown = [...known.keys()].filter((text) => known.get(text) === undefined);
    await Promise.all(
      intoTasks(unknown).map(async ({ texts: part, cost }) => {
        const { rows } = await this.#submit(lane, { kind: 'tokenise', texts: part }, { cost, signal });
        unpackRows(rows).forEach((row, index) => known.set(part[index] ?? '', row));
      }),
    );
    const rows = texts.map((text) => known.get(text) ?? new Int32Array());
    const empty = rows.findIndex((row) => row.length === 0);
    if (empty !== -1) throw new AppError('embedding_rejected', `Text ${empty} of ${rows.length} has no token.`);
    return rows;
  }

  async #inferPassages(rows: readonly Int32Array[], signal: AbortSignal): Promise<Float32Array[]> {
    if (this.#stopped) throw stoppedError();
    const promise = this.#queue.pushRows(rows, signal);
    this.#wake();
    return promise;
  }

  async #inferQueries(rows: readonly Int32Array[], signal: AbortSignal): Promise<Float32Array[]> {
    const lengths = rows.map((row) => row.length);
    const vectors: Float32Array[] = [];
    const batches = planBatches(lengths, this.#tokenBudget).map(async (batch) => {
      const batchRows = batch.flatMap((index) => rows[index] ?? []);
      const cost = batchRows.reduce((sum, row) => sum + row.length, 0);
      const output = await this.#submit('query', { kind: 'infer', rows: packRows(batchRows) }, { cost, signal });
      unpackVectors(output.vectors).forEach((vector, position) => {
        vectors[batch[position] ?? -1] = vector;
      });
    });
    await Promise.all(batches);
    return vectors;
  }

  async #submit<K extends OnnxTask['kind']>(
    lane: 'query' | 'prepare',
    task: OnnxTask & { readonly kind: K },
    options: PushOptions,
  ): Promise<OutputOf<K>> {
    if (this.#stopped) throw stoppedError();
    const promise = this.#queue.push(lane, task, options);
    this.#wake();
    const output = await promise;
    if (!isOutputOf(output, task.kind)) throw new Error(`a thread answered ${output.kind} to ${task.kind}`);
    return output;
  }

  #wake(): void {
    for (const slot of this.#slots) slot.wake((error) => this.#failUnserved(error));
    this.#failUnserved(new AppError('embedding_unavailable', 'No embedding thread can be started.'));
  }

  /** Jobs that no thread is going to take are rejected rather than left waiting. */
  #failUnserved(error: unknown): void {
    for (const lane of ['query', 'prepare', 'batch'] as const) {
      const served = this.#slots.some((slot) => slot.serving && slot.lanes.includes(lane));
      if (!served) this.#queue.fail([lane], error);
    }
  }
}
