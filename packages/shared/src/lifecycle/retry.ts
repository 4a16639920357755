import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Ends the waiting; the last error is then thrown. */
  readonly signal: AbortSignal;
  /** Whether trying again makes sense for this error. */
  readonly shouldRetry: (error: unknown) => boolean;
  readonly onRetry: (error: unknown, delayMs: number) => void;
}

const firstDelayMs = 200;
const longestDelayMs = 10_000;

/**
 * Tries until it works, waiting longer and longer in between.
 *
 * @throws the error of an attempt that is not to be retried, or the last one when the signal aborts.
 */
export async function retryUntilDone<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (options.signal.aborted || !options.shouldRetry(error)) throw error;
      const delayMs = firstDelayMs / 2 + backoffMs(attempts, firstDelayMs, Math.random, longestDelayMs);
      options.onRetry(error, delayMs);
      await sleep(delayMs, undefined, { signal: options.signal }).catch(() => {
        throw error;
      });
    }
  }
}

/**
 * Exponential backoff with full jitter: somewhere between nothing and `baseMs` doubled with every attempt, at
 * most `maxMs`. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt 1 for the first
 * @param random 0 up to 1
 */
export function backoffMs(attempt: number, baseMs: number, random: () => number, maxMs = 3_600_000): number {
  const ceiling = Math.min(baseMs * 2 ** Math.max(0, attempt - 1), maxMs);
  return Math.round(random() * ceiling);
}
