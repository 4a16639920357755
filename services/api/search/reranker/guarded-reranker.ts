import CircuitBreaker from 'opossum';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { CallerAbort, withTimeout } from '@memory-layer/shared/lifecycle/with-timeout';
import type { Reranker, RerankOptions } from './reranker.ts';

export interface RerankGuardOptions {
  /** Longest time for one call; then its work is cancelled, and that counts as a failure. */
  readonly timeoutMs: number;
  /** Failures in a row that open the breaker. */
  readonly failureThreshold: number;
  /** Time that it stays open before one call may try again. */
  readonly resetTimeoutMs: number;
  readonly onStateChange?: (state: 'closed' | 'open' | 'half_open') => void;
}

/** A reranker with a timeout and a circuit breaker: while that is open, calls fail at once. */
export class GuardedReranker implements Reranker {
  readonly #inner: Reranker;
  readonly #options: RerankGuardOptions;
  readonly #breaker: CircuitBreaker<[string, readonly string[], AbortSignal | undefined], number[]>;
  #failures = 0;

  constructor(inner: Reranker, options: RerankGuardOptions) {
    this.#inner = inner;
    this.#options = options;
    // Timeouts and counting are ours: opossum's rates need steady traffic.
    this.#breaker = new CircuitBreaker((query, texts, signal) => this.#rerankInTime(query, texts, signal), {
      timeout: false,
      resetTimeout: options.resetTimeoutMs,
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      // What its caller aborted says nothing of the reranker. A trial call proves nothing then: the breaker opens again.
      errorFilter: (error: unknown) => error instanceof CallerAbort && !this.#breaker.halfOpen,
    });
    this.#breaker.on('failure', () => {
      this.#failures += 1;
      if (this.#failures >= options.failureThreshold) this.#breaker.open();
    });
    this.#breaker.on('open', () => options.onStateChange?.('open'));
    this.#breaker.on('halfOpen', () => options.onStateChange?.('half_open'));
    this.#breaker.on('close', () => options.onStateChange?.('closed'));
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  async stop(): Promise<void> {
    this.#breaker.shutdown();
    await this.#inner.stop();
  }

  async rerank(query: string, texts: readonly string[], { signal }: RerankOptions = {}): Promise<number[]> {
    signal?.throwIfAborted();
    if (texts.length === 0) return [];
    try {
      const scores = await this.#breaker.fire(query, texts, signal);
      this.#failures = 0;
      return scores;
    } catch (error) {
      if (error instanceof CallerAbort) throw error.cause;
      if (error instanceof Error && CircuitBreaker.isOurError(error)) {
        throw new AppError('unavailable', 'The circuit of the reranker is open.');
      }
      throw error;
    }
  }

  #rerankInTime(query: string, texts: readonly string[], signal: AbortSignal | undefined): Promise<number[]> {
    const { timeoutMs } = this.#options;
    const late = new AppError('unavailable', `The reranker took longer than ${timeoutMs} ms.`);
    return withTimeout((inTime) => this.#inner.rerank(query, texts, { signal: inTime }), { timeoutMs, late, signal });
  }
}
