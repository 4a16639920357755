import { allAborted } from '@memory-layer/shared/batching/all-aborted';
import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { batchOrIndividually, unwrap } from '@memory-layer/shared/batching/batch-or-individually';
import { isCircuitOpen } from '@memory-layer/shared/embedding/embedding-errors';
import type { Embedder, EmbedOptions, SplitOptions } from '@memory-layer/shared/embedding/embedder';
import { isLittle, piecesOf, sumOfSizes, WorkEstimate, type Piece } from '@memory-layer/shared/embedding/work-estimate';
import type { Throughput } from './throughput.ts';

export interface BatchingOptions {
  /** Of one call of the embedder. What a call is given is estimated to take a quarter of it, waiting included. */
  readonly timeoutMs: number;
  /** Learns what the model does in a second. */
  readonly throughput?: Pick<Throughput, 'measure'>;
}

interface Call extends Piece {
  readonly signal: AbortSignal | undefined;
  /** Called with the vectors as soon as there are any. */
  readonly keep: (vectors: readonly Float32Array[]) => void;
}

type Calls = Coalescer<Call, PromiseSettledResult<Float32Array[]>>;

/** Several, so that threads do not run dry. What a call waits for them is part of what is learnt of its duration. */
const callsAtOnce = 6;
/** Callers with a few texts need not wait for those with many: they have a queue and calls of their own. */
const smallCallsAtOnce = 2;

/**
 * An embedder that batches the passages of concurrent calls: while batches are computed, what arrives shares the next
 * one; the slower the model, the smaller they are. Those with few texts do not wait for those with many. When
 * a batch fails, each call of it is tried alone, so that only the one at fault fails. Queries go straight through.
 */
export class BatchingEmbedder implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #inner: Embedder;
  readonly #throughput: Pick<Throughput, 'measure'> | undefined;
  readonly #estimate: WorkEstimate;
  readonly #large: Calls;
  readonly #small: Calls;

  constructor(inner: Embedder, { timeoutMs, throughput }: BatchingOptions) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.#inner = inner;
    this.#throughput = throughput;
    this.#estimate = new WorkEstimate(timeoutMs);
    this.#large = this.#batch(callsAtOnce, (calls) => this.#embedAndLearn(calls));
    this.#small = this.#batch(smallCallsAtOnce, (calls) => this.#embedTogether(calls));
  }

  #batch(maxConcurrent: number, run: (calls: readonly Call[]) => Promise<Float32Array[][]>): Calls {
    return new Coalescer({
      what: 'texts',
      run: batchOrIndividually(run, isCircuitOpen),
      weigh: (call) => this.#estimate.weigh(call),
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

  split(text: string, options?: SplitOptions): Promise<string[]> {
    return this.#inner.split(text, options);
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const { kind, signal, onPart } = options;
    if (kind === 'query' || texts.length === 0) return this.#inner.embed(texts, options);
    const pieces = piecesOf(texts);
    const calls = isLittle(pieces) ? this.#small : this.#large;
    const outcomes = await Promise.all(
      pieces.map((piece) => {
        const keep = (vectors: readonly Float32Array[]) => onPart?.(piece.from, vectors);
        return calls.submit({ ...piece, signal, keep }, signal);
      }),
    );
    return outcomes.flatMap(unwrap);
  }

  async #embedAndLearn(calls: readonly Call[]): Promise<Float32Array[][]> {
    const started = performance.now();
    const size = sumOfSizes(calls);
    try {
      const vectors = await this.#embedTogether(calls);
      this.#estimate.learn(size, performance.now() - started);
      return vectors;
    } catch (error) {
      this.#estimate.learnFailure(size, performance.now() - started);
      throw error;
    }
  }

  async #embedTogether(calls: readonly Call[]): Promise<Float32Array[][]> {
    const texts = calls.flatMap((call) => call.texts);
    const signal = allAborted(calls.map((call) => call.signal));
    const embed = () => this.#inner.embed(texts, { kind: 'passage', signal });
    const vectors = await (this.#throughput?.measure(sumOfSizes(calls).tokens, embed) ?? embed());
    let next = 0;
    return calls.map((call) => {
      const own = vectors.slice(next, (next += call.texts.length));
      call.keep(own);
      return own;
    });
  }
}
