import type { BlockList } from 'node:net';
import { clientBlock } from '@memory-layer/shared/http/connection-limits';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Context } from 'hono';
import { clientAddress, isLoopback } from '../rate-limit/client-address.ts';
import type { RateLimiters } from '../rate-limit/rate-limiter.ts';
import { RequestRates, type RequestRatesDeps } from '../rate-limit/request-rates.ts';
import type { ApiEnv } from './api-env.ts';
import { answerHeaders, peerAddress, requestHeader } from './node-headers.ts';

export interface RequestCounterDeps {
  readonly rateLimiters: RateLimiters;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: BlockList;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
}

/** Has each request counted, and answers with how its address, key and tenant stand. */
export interface RequestCounter {
  /** Whether this machine asks for itself. */
  isLocal(c: Context<ApiEnv>): boolean;
  /** Leaves the rates in the context: what a request is counted for is known step by step. */
  begin(c: Context<ApiEnv>): RequestRates;
  /** Of the client; empty when there is no peer. */
  readonly addressOf: (c: Context<ApiEnv>) => string;
  /** @throws AppError `rate_limited` */
  countAddress(c: Context<ApiEnv>): Promise<void>;
  /** Sets the headers of the answer. */
  answer(c: Context<ApiEnv>): void;
}

export function createRequestCounter({ rateLimiters, trustedProxies, metrics }: RequestCounterDeps): RequestCounter {
  const deps: RequestRatesDeps = {
    limiters: rateLimiters,
    onLimited: (subject) => metrics.rateLimited.inc({ subject }),
  };
  const addressOf = (c: Context<ApiEnv>): string =>
    clientAddress(peerAddress(c), requestHeader(c, 'x-forwarded-for'), trustedProxies);
  return {
    addressOf,
    // What a proxy on this machine passes on is not this machine's own.
    isLocal: (c) => isLoopback(peerAddress(c)) && requestHeader(c, 'x-forwarded-for') === undefined,
    begin(c) {
      const rates = new RequestRates(deps);
      c.set('rates', rates);
      return rates;
    },
    async countAddress(c) {
      await c.get('rates').count('address', clientBlock(addressOf(c)));
    },
    answer(c) {
      answerHeaders(c, c.get('rates').headers());
    },
  };
}
