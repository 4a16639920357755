import { Coalescer } from '@memory-layer/shared/batching/coalescer';
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
  /** When the window ends, in seconds since 1970: the same for all its requests, but for the time that counting takes. */
  readonly resetAt: number;
}

/** Whose requests are counted. */
export type RateSubject = 'address' | 'key' | 'tenant';

/** One limiter a subject; a subject without one is not limited. */
export type RateLimiters = Readonly<Partial<Record<RateSubject, RateLimiter>>>;

/**
 * Counts requests of subjects (a key, a tenant, an address) in fixed windows. While a count is on its way to the store,
 * further requests are batched and counted together.
 */
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
  /** Separates limiters in the store. */
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

  /** Counts several requests of a subject at once. The first of them are let through, as far as its rate goes. */
  async function consumeMany(subject: string, requests: number): Promise<RateDecision[]> {
    const result: unknown = await limiter.consume(subject, requests).catch((error: unknown) => error);
    // Anything but a count means that both counters failed; then requests are let through.
    if (!(result instanceof RateLimiterRes)) return Array.from({ length: requests }, () => untouched(rate));
    const resetAt = endOfWindow(result.msBeforeNext);
    return Array.from({ length: requests }, (_, n) => {
      const nth = result.consumedPoints - requests + n + 1;
      return {
        allowed: nth <= rate.requests,
        limit: rate.requests,
        windowSeconds: rate.windowSeconds,
        remaining: Math.max(0, rate.requests - nth),
        resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
        resetAt,
      };
    });
  }

  const coalescer = new Coalescer<string, RateDecision>({
    what: 'requests',
    run: (subjects) => consumeAll(subjects, consumeMany),
    // Each waits with the request that it counts, and those are bounded by their connections.
    maxBatchWeight: Number.POSITIVE_INFINITY,
    maxQueuedWeight: Number.POSITIVE_INFINITY,
    maxConcurrent: 1,
  });
  return { consume: (subject) => coalescer.submit(subject) };
}

/** One count a subject, however many of its requests are batched; a decision a request, in their order. */
async function consumeAll(
  subjects: readonly string[],
  consumeMany: (subject: string, requests: number) => Promise<RateDecision[]>,
): Promise<RateDecision[]> {
  const places = Map.groupBy(subjects.keys(), (place) => subjects[place] ?? '');
  const decisions = new Map<number, RateDecision>();
  const counted = [...places].map(async ([subject, own]) => {
    const ofSubject = await consumeMany(subject, own.length);
    for (const [n, decision] of ofSubject.entries()) {
      decisions.set(own[n] ?? -1, decision);
    }
  });
  await Promise.all(counted);
  return subjects.flatMap((_, place) => decisions.get(place) ?? []);
}

function untouched({ requests, windowSeconds }: Rate): RateDecision {
  const resetAt = endOfWindow(windowSeconds * 1000);
  return { allowed: true, limit: requests, windowSeconds, remaining: requests, resetSeconds: windowSeconds, resetAt };
}

/** In whole seconds since 1970, rounded up: whoever waits for it finds a new window. */
const endOfWindow = (msLeft: number): number => Math.ceil((Date.now() + msLeft) / 1000);

/** A limiter for every subject that has a rate. */
export function createRateLimiters(
  rates: Readonly<Record<RateSubject, Rate | undefined>>,
  store: RateStore | undefined,
): RateLimiters {
  const limiter = (name: RateSubject, rate: Rate | undefined) =>
    rate === undefined ? {} : { [name]: createRateLimiter({ name, rate, store }) };
  return { ...limiter('address', rates.address), ...limiter('key', rates.key), ...limiter('tenant', rates.tenant) };
}
