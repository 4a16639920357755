import { allAborted } from '../batching/all-aborted.ts';
import { Coalescer } from '../batching/coalescer.ts';
import { batchOrIndividually, unwrap } from '../batching/batch-or-individually.ts';
import type { Embedder, EmbedOptions, SplitOptions } from './embedder.ts';
import { piecesOf } from './work-estimate.ts';

export interface QueryBatcherOptions {
  /** Calls of the model under way at a time: 1 where one thread computes, more where a call is mostly waiting. */
  readonly callsAtOnce: number;
}

interface Call {
  readonly texts: readonly string[];
  /** Estimated. */
  readonly tokens: number;
  readonly signal: AbortSignal | undefined;
}

/** About what one thread computes in 50 ms: who waits for others' queries must not wait for long. */
const tokensPerCall = 768;

/**
 * An embedder that batches the queries of concurrent callers: while a call of the model is under way, those that arrive
 * share the next one, so that a busy model is asked seldom and an idle one at once. A caller that goes away
 * fails nobody else; when a call fails, each caller of it is tried alone. A query of several passages takes turns with
 * the others. Passages go straight through.
 */
export class QueryBatcher implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #inner: Embedder;
  readonly #calls: Coalescer<Call, PromiseSettledResult<Float32Array[]>>;

  constructor(inner: Embedder, { callsAtOnce }: QueryBatcherOptions) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.#inner = inner;
    this.#calls = new Coalescer({
      what: 'queries',
      run: batchOrIndividually(
        (calls) => this.#embedTogether(calls),
        () => false,
      ),
      weigh: ({ tokens }) => tokens,
      maxBatchWeight: tokensPerCall,
      maxConcurrent: callsAtOnce,
      // Bounded by the callers: each waits for its answer, and no longer than its timeout.
      maxQueuedWeight: Number.POSITIVE_INFINITY,
    });
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  async stop(): Promise<void> {
    await this.#calls.close();
    await this.#inner.stop();
  }

  split(text: string, options?: SplitOptions): Promise<string[]> {
    return this.#inner.split(text, options);
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const { kind, signal } = options;
    if (kind !== 'query' || texts.length === 0) return this.#inner.embed(texts, options);
    const vectors: Float32Array[] = [];
    // Piece after piece: other callers get their turn between two pieces of a long query.
    for (const piece of piecesOf(texts)) {
      vectors.push(...unwrap(await this.#calls.submit({ ...piece, signal }, signal)));
    }
    return vectors;
  }

  async #embedTogether(calls: readonly Call[]): Promise<Float32Array[][]> {
    const texts = calls.flatMap((call) => call.texts);
    const signal = allAborted(calls.map((call) => call.signal));
    const vectors = await this.#inner.embed(texts, { kind: 'query', signal });
    let next = 0;
    return calls.map((call) => vectors.slice(next, (next += call.texts.length)));
  }
}
