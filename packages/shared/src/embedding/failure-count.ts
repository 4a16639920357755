/** How many in a row, without a success in between, mean that the embedder is down. */
export interface FailureLimits {
  readonly failures: number;
  readonly rejections: number;
}

/**
 * Counts what goes wrong without a success in between.
 *
 * A rejection may be the text's fault. A caller that looks for the poison text by halving a batch of n meets at most
 * log2(n) + 1 rejections in a row, so that many alone prove nothing; an embedder that rejects everything goes on.
 */
export class FailureCount {
  readonly #limits: FailureLimits;
  #failures = 0;
  #rejections = 0;
  #timeouts = 0;

  constructor(limits: FailureLimits) {
    this.#limits = limits;
  }

  reset(): void {
    this.#failures = 0;
    this.#rejections = 0;
    this.#timeouts = 0;
  }

  /** Counts a timeout that may be the text's fault: it is a failure once the embedder fails for another reason, too. */
  suspend(): void {
    this.#timeouts += 1;
  }

  /** Counts one more failure. */
  isDownAfterFailure(): boolean {
    this.#failures += 1 + this.#timeouts;
    this.#timeouts = 0;
    return this.#failures >= this.#limits.failures;
  }

  /** Counts one more rejection. */
  isDownAfterRejection(): boolean {
    this.#rejections += 1;
    return this.#rejections >= this.#limits.rejections;
  }
}
