import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Rate } from './rate.ts';

/** How a subject stands after a request was counted. */
export interface RateDecision {
  readonly allowed: boolean;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
}

/** Counts requests of subjects (a key, a tenant, an address) in fixed windows. */
export interface RateLimiter {
  /** Never throws: when the shared store is away, this process counts for itself. */
  consume(subject: string): Promise<RateDecision>;
}

export interface RateLimiterOptions {
  /** Tells limiters apart in the store. */
  readonly name: string;
  readonly rate: Rate;
  /** Where counts are shared by all processes; undefined: in this process alone. */
  readonly redis: Redis | undefined;
}

export function createRateLimiter({ name, rate, redis }: RateLimiterOptions): RateLimiter {
  const options = { keyPrefix: `memory-layer:rate:${name}`, points: rate.requests, duration: rate.windowSeconds };
  const memory = new RateLimiterMemory(options);
  const limiter =
    redis === undefined
      ? memory
      : new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory, rejectIfRedisNotReady: true });

  return {
    async consume(subject) {
      const outcome = await limiter.consume(subject).then(
        (result) => ({ allowed: true, result }),
        (error: unknown) => ({ allowed: false, result: error }),
      );
      // Anything but a refusal means that both counters failed; then a request is let through.
      if (!(outcome.result instanceof RateLimiterRes)) return untouched(rate);
      return {
        allowed: outcome.allowed,
        limit: rate.requests,
        windowSeconds: rate.windowSeconds,
        remaining: Math.max(0, outcome.result.remainingPoints),
        resetSeconds: Math.max(1, Math.ceil(outcome.result.msBeforeNext / 1000)),
      };
    },
  };
}

function untouched({ requests, windowSeconds }: Rate): RateDecision {
  return { allowed: true, limit: requests, windowSeconds, remaining: requests, resetSeconds: windowSeconds };
}
