import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';
import type { RequestCounter } from './request-counter.ts';

/** Header fields that the API reads, and `X-API-Version`, which clients of the service before send. */
const readFields = [
  'Authorization',
  'Content-Encoding',
  'Content-Type',
  'Idempotency-Key',
  'Last-Event-ID',
  'Prefer',
  'Traceparent',
  'X-API-Key',
  'X-API-Version',
  'X-Request-Id',
];

/** Header fields of answers that pages cannot read by themselves. */
const answeredFields = [
  'Accept-Encoding',
  'Allow',
  'Deprecation',
  'Idempotency-Replayed',
  'Link',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Sunset',
  'WWW-Authenticate',
  'X-API-Version',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-RateLimit-Tenant-Limit',
  'X-RateLimit-Tenant-Remaining',
  'X-RateLimit-Tenant-Reset',
  'X-Request-Id',
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
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowHeaders: readFields,
    exposeHeaders: answeredFields,
    // For pages that send what a proxy in front asks for. Browsers refuse it together with `*`.
    credentials: !isForAll,
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
