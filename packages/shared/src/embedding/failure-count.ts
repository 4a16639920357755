import { AppError } from '../errors/app-error.ts';

export interface FailureLimits {
  /** Failures in a row that mean that the embedder is down. */
  readonly failures: number;
  /** Rejections in a row that mean the same. */
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

  constructor(limits: FailureLimits) {
    this.#limits = limits;
  }

  succeed(): void {
    this.#failures = 0;
    this.#rejections = 0;
  }

  /** @returns whether the embedder has to be taken for down. */
  fail(error: unknown): boolean {
    if (error instanceof AppError && error.code === 'embedding_rejected') {
      this.#rejections += 1;
      return this.#rejections >= this.#limits.rejections;
    }
    this.#failures += 1;
    return this.#failures >= this.#limits.failures;
  }
}
