import type { BlockList } from 'node:net';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import { answerHeader, requestHeader } from '../http/node-headers.ts';
import { clientAddress } from './client-address.ts';
import { rateHeaders, type RateCount } from './rate-headers.ts';
import type { RateLimiters, RateSubject } from './rate-limiter.ts';

export interface RateLimitDeps {
  readonly rateLimiters: RateLimiters;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
}

/** Counts a request by the address it came from: before the key is looked at, so that keys cannot be guessed fast. */
export function limitAddress(deps: RateLimitDeps, trustedProxies: BlockList): MiddlewareHandler<ApiEnv> {
  return async function countAddress(c, next) {
    const peer = peerAddress(c);
    const address = clientAddress(peer, requestHeader(c, 'x-forwarded-for'), trustedProxies);
    const counts: RateCount[] = [];
    c.set('rateCounts', counts);
    try {
      await count(c, deps, 'address', address);
      await next();
    } finally {
      for (const [name, value] of rateHeaders(counts)) answerHeader(c, name, value);
    }
  };
}

/** Counts a request by its key, and leaves behind how to count it by its tenant once that is known. */
export function limitKey(deps: RateLimitDeps): MiddlewareHandler<ApiEnv> {
  return async function countKey(c, next) {
    await count(c, deps, 'key', c.get('credential').keyId);
    c.set('countTenant', (tenantId) => count(c, deps, 'tenant', tenantId));
    await next();
  };
}

/** Without a listener, as in tests, there is no peer. */
function peerAddress(c: Context<ApiEnv>): string | undefined {
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  return bindings?.incoming?.socket.remoteAddress;
}

async function count(
  c: Context<ApiEnv>,
  { rateLimiters, metrics }: RateLimitDeps,
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
