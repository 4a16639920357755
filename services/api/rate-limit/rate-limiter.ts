import type { RedisClient } from '@memory-layer/shared/redis/redis-client';
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

/** Whose requests are counted. */
export type RateSubject = 'address' | 'key' | 'tenant';

/** One limiter a subject; a subject without one is not limited. */
export type RateLimiters = Readonly<Partial<Record<RateSubject, RateLimiter>>>;

/** Counts requests of subjects (a key, a tenant, an address) in fixed windows. */
export interface RateLimiter {
  /** Never throws: when the shared store is away, this process counts for itself. */
  consume(subject: string): Promise<RateDecision>;
}

/** Where counts are shared by all processes. */
export interface RateStore {
  readonly client: RedisClient;
  /** Start of every key. */
  readonly prefix: string;
}

interface RateLimiterOptions {
  /** Tells limiters apart in the store. */
  readonly name: string;
  readonly rate: Rate;
  /** Undefined: counted in this process alone. */
  readonly store: RateStore | undefined;
}

function createRateLimiter({ name, rate, store }: RateLimiterOptions): RateLimiter {
  const options = { points: rate.requests, duration: rate.windowSeconds };
  const memory = new RateLimiterMemory(options);
  const limiter =
    store === undefined
      ? memory
      : new RateLimiterRedis({
          ...options,
          keyPrefix: `${store.prefix}:rate:${name}`,
          storeClient: store.client,
          insuranceLimiter: memory,
          rejectIfRedisNotReady: true,
        });

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

/** A limiter for every subject that has a rate. */
export function createRateLimiters(
  rates: Readonly<Record<RateSubject, Rate | undefined>>,
  store: RateStore | undefined,
): RateLimiters {
  const limiter = (name: RateSubject, rate: Rate | undefined) =>
    rate === undefined ? {} : { [name]: createRateLimiter({ name, rate, store }) };
  return { ...limiter('address', rates.address), ...limiter('key', rates.key), ...limiter('tenant', rates.tenant) };
}
