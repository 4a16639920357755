import { JobQueue } from '@memory-layer/shared/embedding/onnx/job-queue';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import { OnnxThread } from '@memory-layer/shared/embedding/onnx/onnx-thread';
import { ThreadSlot } from '@memory-layer/shared/embedding/onnx/thread-slot';
import { resolveModel } from '@memory-layer/shared/embedding/transformers/resolve-model';
import type { TransformersDtype } from '@memory-layer/shared/embedding/transformers/resolve-protocol';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { areScores, type Reranker, type RerankOptions } from '../reranker.ts';

export interface CrossEncoderOptions {
  /** Name on the hub. Default `Xenova/ms-marco-MiniLM-L-6-v2`. */
  readonly modelId?: string;
  /** A local folder with the model in the hub's layout; then nothing is downloaded. */
  readonly modelPath?: string;
  /** Tokens of query and text together, special ones included. Default 512, the default model's window. */
  readonly maxTokens?: number;
  /** Where downloads are kept. */
  readonly cacheDir?: string;
  readonly dtype?: TransformersDtype;
  /** Whether the hub may be asked. Default: true. */
  readonly allowRemote?: boolean;
}

const script = import.meta.url.endsWith('.ts') ? './cross-encoder.worker.ts' : './cross-encoder.worker.js';
const lanes = ['query'] as const;
/** So many at a time, so that what its caller gives up is not computed to its end. */
const textsAtOnce = 8;

interface Running {
  readonly queue: JobQueue;
  readonly slot: ThreadSlot;
}

/**
 * A cross-encoder that transformers.js can find (sequence classification, ONNX), in a thread of its own. It computes
 * for a second or so a hundred pairs: for few searches, or for few candidates of each.
 */
export class CrossEncoder implements Reranker {
  readonly #options: CrossEncoderOptions;
  #starting: Promise<Running> | undefined;
  #running: Running | undefined;

  constructor(options: CrossEncoderOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#starting ??= this.#load();
    await this.#starting;
  }

  async stop(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    this.#running = undefined;
    // A start that fails has stopped by itself, and its caller knows.
    const running = await starting?.catch(() => undefined);
    this.#running = undefined;
    running?.queue.fail(lanes, new AppError('unavailable', 'The reranker is stopping.'));
    await running?.slot.stop();
  }

  async rerank(query: string, texts: readonly string[], { signal }: RerankOptions = {}): Promise<number[]> {
    signal?.throwIfAborted();
    const running = this.#running;
    if (!running) throw new AppError('unavailable', 'The reranker is not running.');
    // Of like length together: a batch is padded to its longest.
    const byLength = [...texts.keys()].toSorted((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0));
    const scores = texts.map(() => Number.NaN);
    for (let from = 0; from < byLength.length; from += textsAtOnce) {
      const part = byLength.slice(from, from + textsAtOnce);
      const found = await this.#score(running, query, { texts: part.map((index) => texts[index] ?? ''), signal });
      for (const [position, index] of part.entries()) scores[index] = found[position] ?? Number.NaN;
    }
    if (!areScores(scores, texts.length)) throw new AppError('unavailable', 'The rerank model gave no number.');
    return scores;
  }

  async #score(
    { queue, slot }: Running,
    query: string,
    { texts, signal }: { readonly texts: readonly string[]; readonly signal: AbortSignal | undefined },
  ): Promise<readonly number[]> {
    const cost = texts.reduce((sum, text) => sum + text.length, 0);
    const job = queue.push('query', { kind: 'score', query, texts }, { cost, signal });
    slot.wake((error) => queue.fail(lanes, error));
    if (!slot.serving) queue.fail(lanes, new AppError('unavailable', 'No rerank thread can be started.'));
    try {
      const output = await job;
      return output.kind === 'score' ? output.scores : [];
    } catch (error) {
      signal?.throwIfAborted();
      throw new AppError('unavailable', 'The rerank model failed.', { cause: error });
    }
  }

  async #load(): Promise<Running> {
    try {
      const files = await this.#prepare();
      const queue = new JobQueue(0);
      const url = new URL(script, import.meta.url);
      const slot = new ThreadSlot(lanes, queue, () => OnnxThread.start({ files, niceness: 0 }, url));
      await slot.start();
      this.#running = { queue, slot };
      return this.#running;
    } catch (cause) {
      this.#starting = undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('unavailable', `The rerank model cannot be used: ${reason}`, { cause });
    }
  }

  async #prepare(): Promise<OnnxModelFiles> {
    const { modelId = 'Xenova/ms-marco-MiniLM-L-6-v2', maxTokens = 512, dtype = 'q8', ...rest } = this.#options;
    const { modelPath, cacheDir, allowRemote = true } = rest;
    const found = await resolveModel({ modelId, modelPath, cacheDir, dtype, allowRemote });
    return { ...found, maxTokens, collapseWhitespace: false };
  }
}
