import CircuitBreaker from 'opossum';
import { AppError } from '../errors/app-error.ts';
import { CircuitOpenError } from './circuit-open-error.ts';
import type { Embedder, EmbedOptions } from './embedder.ts';
import { FailureCount } from './failure-count.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface GuardOptions {
  /** Which way of using the embedder this guards; each has a breaker of its own. */
  readonly name: 'query' | 'passage';
  /** Longest time for one call; then its work is cancelled, and that counts as a failure. */
  readonly timeoutMs: number;
  /** Failures in a row that open the breaker. */
  readonly failureThreshold: number;
  /** Rejections in a row that open it. Default 20: more than the search for a poison text in a batch makes. */
  readonly rejectionThreshold?: number;
  /** Time that it stays open before one call may try again. */
  readonly resetTimeoutMs: number;
  readonly onStateChange?: (state: BreakerState) => void;
}

export interface GuardedEmbedder extends Embedder {
  breakerState(): BreakerState;
  /** Time after which a call may be let through; 0 when one would be now. Short while a trial call is under way. */
  retryAfterMs(): number;
}

const TRIAL_PAUSE_MS = 1_000;

function isRejection(error: unknown): boolean {
  return error instanceof AppError && error.code === 'embedding_rejected';
}

type EmbedCall = (texts: readonly string[], options: EmbedOptions) => Promise<Float32Array[]>;

/** Marks, on its way through the breaker, what the caller's own signal ended. */
class CallerAbort extends Error {
  constructor(reason: unknown) {
    super('the caller aborted', { cause: reason });
  }
}

/** Rejects when time is up, whether or not the work obeys its signal, and cancels that work. */
function withTimeout(embed: EmbedCall, { name, timeoutMs }: GuardOptions): EmbedCall {
  return async (texts, options) => {
    const late = new AppError('embedding_unavailable', `The ${name} embedder took longer than ${timeoutMs} ms.`);
    const controller = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
    const timer = setTimeout(() => controller.abort(late), timeoutMs);
    const cancelled = Promise.withResolvers<never>();
    const cancel = (): void => cancelled.reject(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([embed(texts, { ...options, signal }), cancelled.promise]);
    } catch (error) {
      throw options.signal?.aborted ? new CallerAbort(options.signal.reason) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    }
  };
}

class CircuitBrokenEmbedder implements GuardedEmbedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #inner: Embedder;
  readonly #options: GuardOptions;
  readonly #breaker: CircuitBreaker<[readonly string[], EmbedOptions], Float32Array[]>;
  readonly #count: FailureCount;
  #openedAt = 0;

  constructor(inner: Embedder, options: GuardOptions) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.#inner = inner;
    this.#options = options;
    this.#count = new FailureCount({
      failures: options.failureThreshold,
      rejections: options.rejectionThreshold ?? 20,
    });
    // Timeouts are ours: opossum's AbortController is one for all calls, and its rates need steady traffic.
    this.#breaker = new CircuitBreaker(
      withTimeout((texts, call) => inner.embed(texts, call), options),
      {
        name: options.name,
        timeout: false,
        resetTimeout: options.resetTimeoutMs,
        volumeThreshold: Number.MAX_SAFE_INTEGER,
        enableSnapshots: false,
        rollingPercentilesEnabled: false,
        errorFilter: (error: unknown) => this.#isForgiven(error),
      },
    );
    this.#watch(options.onStateChange);
  }

  /** What is forgiven closes a half-open breaker, as a success does. */
  #isForgiven(error: unknown): boolean {
    const { halfOpen } = this.#breaker;
    // A caller's own abort says nothing of the embedder, so it is no proof that it is well again.
    if (error instanceof CallerAbort) return !halfOpen;
    // An embedder that rejects a text answers: else a poison text, always tried first, would keep the breaker open.
    if (isRejection(error)) return halfOpen || !this.#count.isDownAfterRejection();
    return false;
  }

  #watch(onStateChange: GuardOptions['onStateChange']): void {
    this.#breaker.on('failure', (error) => {
      if (isRejection(error) || this.#count.isDownAfterFailure()) this.#breaker.open();
    });
    this.#breaker.on('open', () => {
      this.#openedAt = performance.now();
      onStateChange?.('open');
    });
    this.#breaker.on('halfOpen', () => onStateChange?.('half_open'));
    this.#breaker.on('close', () => {
      this.#count.reset();
      onStateChange?.('closed');
    });
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    options.signal?.throwIfAborted();
    if (texts.length === 0) return [];
    try {
      const vectors = await this.#breaker.fire(texts, options);
      this.#count.reset();
      return vectors;
    } catch (error) {
      if (error instanceof CallerAbort) throw error.cause;
      if (error instanceof Error && CircuitBreaker.isOurError(error)) {
        throw new CircuitOpenError(this.#options.name, this.retryAfterMs());
      }
      throw error;
    }
  }

  split(text: string): Promise<string[]> {
    return this.#inner.split(text);
  }

  breakerState(): BreakerState {
    if (this.#breaker.opened) return 'open';
    return this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  retryAfterMs(): number {
    const { opened, halfOpen, pendingClose } = this.#breaker;
    if (halfOpen && !pendingClose) return Math.min(TRIAL_PAUSE_MS, this.#options.resetTimeoutMs);
    if (!opened) return 0;
    return Math.max(0, this.#openedAt + this.#options.resetTimeoutMs - performance.now());
  }
}

/**
 * An embedder with a timeout and a circuit breaker (closed, open, half-open) around `embed`.
 *
 * The breaker opens after `failureThreshold` failures in a row; rejections count apart (see {@link FailureCount});
 * what the caller aborts does not count. While it is open, calls fail at once with {@link CircuitOpenError}; after
 * `resetTimeoutMs` one call is let through and decides. An empty list of texts proves nothing and is not passed on.
 */
export function createGuardedEmbedder(embedder: Embedder, options: GuardOptions): GuardedEmbedder {
  return new CircuitBrokenEmbedder(embedder, options);
}
