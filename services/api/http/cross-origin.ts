import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';
import type { RequestCounter } from './request-counter.ts';

const exposed = [
  'X-Request-Id',
  'Idempotency-Replayed',
  'Preference-Applied',
  'X-API-Version',
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
];

export interface CrossOriginOptions {
  /** `*`: all. */
  readonly origins: readonly string[];
  /** A preflight has no key, so that it is counted here. */
  readonly counter: RequestCounter;
}

/** Lets web pages of the given origins call and read the answers, errors included. Keys are no cookies. */
export function allowOrigins({ origins, counter }: CrossOriginOptions): MiddlewareHandler<ApiEnv> {
  const isForAll = origins.includes('*');
  const known = new Set(origins);
  const share = cors({
    origin: isForAll ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'Last-Event-ID',
      'Prefer',
      'X-API-Key',
      'X-Request-Id',
    ],
    exposeHeaders: exposed,
    maxAge: 600,
  });

  return async function crossOrigin(c, next) {
    if (c.req.method !== 'OPTIONS') return share(c, next);
    const origin = requestHeader(c, 'origin');
    // Any other OPTIONS is a request like others, for a route that there may be.
    if (origin === undefined || requestHeader(c, 'access-control-request-method') === undefined) return next();
    counter.begin(c);
    await counter.countAddress(c);
    if (!isForAll && !known.has(origin)) throw new AppError('forbidden', 'Web pages of this origin may not call.');
    return share(c, next);
  };
}
