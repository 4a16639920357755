import CircuitBreaker from 'opossum';

import { AppError } from '../errors/app-error.ts';

export interface OutageGuardOptions {
  /** Every call ends within this time. */
  readonly timeoutMs: number;
  /** How long an open breaker refuses at once before it lets one call try again. */
  readonly resetAfterMs: number;
}

export interface OutageGuard {
  /** @throws AppError `unavailable` when the call failed, took too long, or was refused by the open breaker. */
  readonly run: <Result>(call: () => Promise<Result>) => Promise<Result>;
  /** Refuses all later calls. */
  readonly stop: () => void;
}

/**
 * Keeps callers safe from a datastore that is away: calls are bounded in time, and once half of at least
 * five calls within 10 s have failed, the next ones are refused without being tried.
 */
export function createOutageGuard(options: OutageGuardOptions): OutageGuard {
  const breaker = new CircuitBreaker((call: () => Promise<unknown>) => call(), {
    timeout: options.timeoutMs,
    resetTimeout: options.resetAfterMs,
    errorThresholdPercentage: 50,
    volumeThreshold: 5,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  });

  return {
    async run<Result>(call: () => Promise<Result>): Promise<Result> {
      // By way of a promise of its own, since the breaker has one result type for all calls.
      const { promise, resolve } = Promise.withResolvers<Result>();
      try {
        await breaker.fire(async () => resolve(await call()));
      } catch (cause) {
        throw new AppError('unavailable', 'the job queue is not reachable', { cause, retryAfterSeconds: 1 });
      }
      return promise;
    },
    stop: () => breaker.shutdown(),
  };
}
