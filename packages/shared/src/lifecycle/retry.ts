import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from './backoff.ts';

export interface RetryOptions {
  /** Ends the waiting; the last error is then thrown. */
  readonly signal: AbortSignal;
  /** Whether trying again makes sense for this error. */
  readonly shouldRetry: (error: unknown) => boolean;
  readonly onRetry: (error: unknown, delayMs: number) => void;
}

const baseMs = 200;
const maxMs = 10_000;

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
      const delayMs = baseMs / 2 + backoffMs(attempts, baseMs, Math.random, maxMs);
      options.onRetry(error, delayMs);
      await sleep(delayMs, undefined, { signal: options.signal }).catch(() => {
        throw error;
      });
    }
  }
}
