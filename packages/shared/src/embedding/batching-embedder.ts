import { allAborted } from '../batching/all-aborted.ts';
import { Coalescer } from '../batching/coalescer.ts';
import { togetherOrAlone, unwrap } from '../batching/together-or-alone.ts';
import { isCircuitOpen } from './circuit-open-error.ts';
import type { Embedder, EmbedOptions } from './embedder.ts';
import { freeTexts, WorkEstimate } from './work-estimate.ts';

interface Call {
  readonly texts: readonly string[];
  readonly signal: AbortSignal | undefined;
}

type Calls = Coalescer<Call, PromiseSettledResult<Float32Array[]>>;

/** Several, so that threads do not run dry. */
const callsAtOnce = 6;
/** Callers with a few texts need not wait for those with many: they have a queue and calls of their own. */
const smallCallsAtOnce = 2;

class BatchingEmbedder implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #inner: Embedder;
  readonly #estimate = new WorkEstimate();
  readonly #large: Calls;
  readonly #small: Calls;

  constructor(inner: Embedder) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.#inner = inner;
    this.#large = this.#gather(callsAtOnce, (calls) => this.#embedAndLearn(calls));
    this.#small = this.#gather(smallCallsAtOnce, (calls) => this.#embedTogether(calls));
  }

  #gather(maxConcurrent: number, run: (calls: readonly Call[]) => Promise<Float32Array[][]>): Calls {
    return new Coalescer({
      what: 'texts',
      run: togetherOrAlone(run, isCircuitOpen),
      weigh: ({ texts }) => this.#estimate.weigh(texts),
      maxBatchWeight: 1,
      maxConcurrent,
      // Bounded by the callers: each waits for its answer.
      maxQueuedWeight: Number.POSITIVE_INFINITY,
    });
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#large.close(), this.#small.close()]);
    await this.#inner.stop();
  }

  split(text: string): Promise<string[]> {
    return this.#inner.split(text);
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const { kind, signal } = options;
    if (kind === 'query' || texts.length === 0) return this.#inner.embed(texts, options);
    if (texts.length < freeTexts) return unwrap(await this.#small.submit({ texts, signal }, signal));
    const parts = Array.from({ length: Math.ceil(texts.length / freeTexts) }, (_, part) =>
      texts.slice(part * freeTexts, (part + 1) * freeTexts),
    );
    const outcomes = await Promise.all(parts.map((part) => this.#large.submit({ texts: part, signal }, signal)));
    return outcomes.flatMap(unwrap);
  }

  async #embedAndLearn(calls: readonly Call[]): Promise<Float32Array[][]> {
    const started = performance.now();
    const vectors = await this.#embedTogether(calls);
    this.#estimate.learn(
      calls.flatMap((call) => call.texts),
      performance.now() - started,
    );
    return vectors;
  }

  async #embedTogether(calls: readonly Call[]): Promise<Float32Array[][]> {
    const texts = calls.flatMap((call) => call.texts);
    const signal = allAborted(calls.map((call) => call.signal));
    const vectors = await this.#inner.embed(texts, { kind: 'passage', signal });
    let next = 0;
    return calls.map((call) => vectors.slice(next, (next += call.texts.length)));
  }
}

/**
 * An embedder that gathers passages of concurrent calls: while batches are computed, what arrives goes together into
 * the next one; the slower the model, the smaller they are. Those with few texts do not wait for those with many. When a batch fails, each call of it is tried alone, so that
 * only the one at fault fails. Queries go straight through.
 */
export function createBatchingEmbedder(embedder: Embedder): Embedder {
  return new BatchingEmbedder(embedder);
}
