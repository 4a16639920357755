import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';
import type { KeyRing } from './api-key.ts';

/** Lets a request through only with a known key, in `x-api-key` or as a bearer token. */
export function authenticate(keys: KeyRing): MiddlewareHandler<ApiEnv> {
  return async function authenticateRequest(c, next) {
    const presented = c.req.header('x-api-key') ?? bearerToken(c.req.header('authorization'));
    if (presented === undefined) {
      throw new AppError('unauthenticated', 'Send an API key in the x-api-key header or as a bearer token.');
    }
    const credential = keys.authenticate(presented);
    if (credential === undefined) throw new AppError('unauthenticated', 'This API key is not known.');
    c.set('credential', credential);
    await next();
  };
}

function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}
