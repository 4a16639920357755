import CircuitBreaker from 'opossum';
import { AppError } from '@memory-layer/shared/errors/app-error';
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

/** Marks, on its way through the breaker, what the caller's own signal ended: that says nothing of the reranker. */
class CallerAbort extends Error {
  constructor(reason: unknown) {
    super('the caller aborted', { cause: reason });
  }
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
    this.#breaker = new CircuitBreaker((query, texts, signal) => this.#withTimeout(query, texts, signal), {
      timeout: false,
      resetTimeout: options.resetTimeoutMs,
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      // A trial call that its caller aborted proves nothing: the breaker opens again.
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

  /** Rejects when time is up, whether or not the work obeys its signal, and cancels that work. */
  async #withTimeout(query: string, texts: readonly string[], caller: AbortSignal | undefined): Promise<number[]> {
    const { timeoutMs } = this.#options;
    const ours = new AbortController();
    const signal = caller ? AbortSignal.any([caller, ours.signal]) : ours.signal;
    const timer = setTimeout(
      () => ours.abort(new AppError('unavailable', `The reranker took longer than ${timeoutMs} ms.`)),
      timeoutMs,
    );
    const ended = Promise.withResolvers<never>();
    const end = (): void => ended.reject(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      return await Promise.race([this.#inner.rerank(query, texts, { signal }), ended.promise]);
    } catch (error) {
      throw caller?.aborted ? new CallerAbort(caller.reason) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }
}
