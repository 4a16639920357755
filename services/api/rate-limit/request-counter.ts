import type { BlockList } from 'node:net';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { clientBlock } from '@memory-layer/shared/http/connection-limits';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Context } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import type { Credential } from '../http/api-key.ts';
import { answerHeader, requestHeader } from '../http/node-headers.ts';
import { clientAddress, isLoopback } from './client-address.ts';
import { rateHeaders } from './rate-headers.ts';
import type { RateLimiters, RateSubject } from './rate-limiter.ts';

export interface RequestCounterDeps {
  readonly rateLimiters: RateLimiters;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: BlockList;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
}

/** Counts requests by address, key and tenant, and tells each in its answer how these stand. */
export interface RequestCounter {
  /** Whether this machine asks for itself. */
  isLocal(c: Context<ApiEnv>): boolean;
  /** Leaves behind how to count the request by its tenant, once that is known. */
  begin(c: Context<ApiEnv>): void;
  /** @throws AppError `rate_limited` */
  countAddress(c: Context<ApiEnv>): Promise<void>;
  /** @throws AppError `rate_limited` */
  countKey(c: Context<ApiEnv>, credential: Credential): Promise<void>;
  /** Sets the headers of the answer. */
  answer(c: Context<ApiEnv>): void;
}

export function createRequestCounter(deps: RequestCounterDeps): RequestCounter {
  const begin: RequestCounter['begin'] = (c) => {
    c.set('rateCounts', []);
    c.set('countTenant', (tenantId) => count(c, deps, 'tenant', tenantId));
  };
  return {
    // What a proxy on this machine passes on is not this machine's own.
    isLocal: (c) => isLoopback(peerAddress(c)) && requestHeader(c, 'x-forwarded-for') === undefined,
    begin,
    async countAddress(c) {
      const forwardedFor = requestHeader(c, 'x-forwarded-for');
      await count(c, deps, 'address', clientBlock(clientAddress(peerAddress(c), forwardedFor, deps.trustedProxies)));
    },
    countKey: (c, credential) => count(c, deps, 'key', credential.keyId),
    answer(c) {
      for (const [name, value] of rateHeaders(c.get('rateCounts'))) answerHeader(c, name, value);
    },
  };
}

/** Without a listener, as in tests, there is no peer. */
function peerAddress(c: Context<ApiEnv>): string | undefined {
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  return bindings?.incoming?.socket.remoteAddress;
}

async function count(
  c: Context<ApiEnv>,
  { rateLimiters, metrics }: RequestCounterDeps,
  subject: RateSubject,
  id: string,
): Promise<void> {
  const limiter = rateLimiters[subject];
  if (limiter === undefined) return;
  const decision = await limiter.consume(id);
  c.get('rateCounts').push({ subject, ...decision });
  if (decision.allowed) return;
  metrics.rateLimited.inc({ subject });
  throw new AppError('rate_limited', `This ${subject} has used up its ${decision.limit} requests.`, {
    retryAfterSeconds: decision.resetSeconds,
  });
}
