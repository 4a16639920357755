import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { ApiEnv } from './api-env.ts';

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

/** Lets web pages of the given origins (`*`: all) call and read the answers, errors included. Keys are no cookies. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<ApiEnv> {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
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
}
