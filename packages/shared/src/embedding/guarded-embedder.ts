import CircuitBreaker from 'opossum';
import { AppError } from '../errors/app-error.ts';
import { CallerAbort, withTimeout } from '../lifecycle/with-timeout.ts';
import type { Embedder, EmbedOptions, SplitOptions } from './embedder.ts';
import { CircuitOpenError, EmbeddingTimeoutError } from './embedding-errors.ts';
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
  /** Longest time for one call. */
  readonly timeoutMs: number;
  /** Calls that have succeeded so far: a greater number says that the embedder worked meanwhile. */
  readonly successes: number;
  breakerState(): BreakerState;
  /** Time after which a call may be let through; 0 when one would be now. Short while a trial call is under way. */
  retryAfterMs(): number;
}

const trialPauseMs = 1_000;

/** Distinguishes a broken embedder from a text it cannot take: a working one embeds this in time. */
export const harmlessText = 'The weather is fine today.';

function isHarmless(texts: readonly string[]): boolean {
  return texts.length === 1 && texts[0] === harmlessText;
}

function isRejection(error: unknown): boolean {
  return error instanceof AppError && error.code === 'embedding_rejected';
}

/** Marks, on its way through the breaker, a timeout that may be the fault of the text. */
class SuspectTimeout extends Error {
  readonly timeout: EmbeddingTimeoutError;

  constructor(timeout: EmbeddingTimeoutError) {
    super(timeout.message);
    this.timeout = timeout;
  }
}

/** Embeds within the time that a call may take. */
async function embedInTime(
  inner: Embedder,
  { name, timeoutMs }: GuardOptions,
  texts: readonly string[],
  options: EmbedOptions,
): Promise<Float32Array[]> {
  const late = new EmbeddingTimeoutError(name, timeoutMs);
  try {
    const embed = (signal: AbortSignal) => inner.embed(texts, { ...options, signal });
    return await withTimeout(embed, { timeoutMs, late, signal: options.signal });
  } catch (error) {
    throw error === late && !isHarmless(texts) ? new SuspectTimeout(late) : error;
  }
}

/**
 * An embedder with a timeout and a circuit breaker (closed, open, half-open) around `embed`.
 *
 * The breaker opens after `failureThreshold` failures in a row; rejections count apart (see {@link FailureCount});
 * what the caller aborts does not count. A timeout may be the fault of the text: it counts once the embedder fails for a
 * harmless text as well, which is tried after it. While it is open, calls fail at once with {@link CircuitOpenError}; after
 * `resetTimeoutMs` one call is let through and decides. An empty list of texts proves nothing and is not passed on.
 */
export class CircuitBrokenEmbedder implements GuardedEmbedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly timeoutMs: number;
  readonly #inner: Embedder;
  readonly #options: GuardOptions;
  readonly #breaker: CircuitBreaker<[readonly string[], EmbedOptions], Float32Array[]>;
  readonly #count: FailureCount;
  #openedAt = 0;
  #successes = 0;
  #isChecking = false;

  constructor(inner: Embedder, options: GuardOptions) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.timeoutMs = options.timeoutMs;
    this.#inner = inner;
    this.#options = options;
    this.#count = new FailureCount({
      failures: options.failureThreshold,
      rejections: options.rejectionThreshold ?? 20,
    });
    // Timeouts are ours: opossum's AbortController is one for all calls, and its rates need steady traffic.
    this.#breaker = new CircuitBreaker((texts, call) => embedInTime(inner, options, texts, call), {
      name: options.name,
      timeout: false,
      resetTimeout: options.resetTimeoutMs,
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      errorFilter: (error: unknown) => this.#isForgiven(error),
    });
    this.#watch(options.onStateChange);
  }

  /** What is forgiven closes a half-open breaker, as a success does. */
  #isForgiven(error: unknown): boolean {
    const { halfOpen } = this.#breaker;
    // A caller's own abort says nothing of the embedder, so it is no proof that it is well again.
    if (error instanceof CallerAbort) return !halfOpen;
    if (error instanceof SuspectTimeout) return !halfOpen;
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
      this.#successes += 1;
      return vectors;
    } catch (error) {
      if (error instanceof CallerAbort) throw error.cause;
      if (error instanceof SuspectTimeout) {
        this.#count.suspend();
        if (!this.#isChecking) void this.#checkHealth();
        throw error.timeout;
      }
      if (error instanceof Error && CircuitBreaker.isOurError(error)) {
        throw new CircuitOpenError(this.#options.name, this.retryAfterMs());
      }
      throw error;
    }
  }

  /** Its outcome counts as any other's: a success forgives the timeouts before it, a failure adds them up. */
  async #checkHealth(): Promise<void> {
    this.#isChecking = true;
    try {
      await this.embed([harmlessText], { kind: this.#options.name });
    } catch {
      // Counted already.
    } finally {
      this.#isChecking = false;
    }
  }

  get successes(): number {
    return this.#successes;
  }

  split(text: string, options?: SplitOptions): Promise<string[]> {
    return this.#inner.split(text, options);
  }

  breakerState(): BreakerState {
    if (this.#breaker.opened) return 'open';
    return this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  retryAfterMs(): number {
    const { opened, halfOpen, pendingClose } = this.#breaker;
    if (halfOpen && !pendingClose) return Math.min(trialPauseMs, this.#options.resetTimeoutMs);
    if (!opened) return 0;
    return Math.max(0, this.#openedAt + this.#options.resetTimeoutMs - performance.now());
  }
}
