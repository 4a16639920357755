import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';
import type { KeyRing } from './api-key.ts';
import { requestHeader } from './node-headers.ts';

/** Lets a request through only with a known key, in `x-api-key` or as a bearer token. */
export function authenticate(keys: KeyRing): MiddlewareHandler<ApiEnv> {
  return async function authenticateRequest(c, next) {
    const presented = presentedKey(c);
    if (presented === undefined) {
      throw new AppError('unauthenticated', 'Send an API key in the x-api-key header or as a bearer token.');
    }
    const credential = keys.authenticate(presented);
    if (credential === undefined) throw new AppError('unauthenticated', 'This API key is not known.');
    c.set('credential', credential);
    await next();
  };
}

/** Lets everybody through; who sends a known key is known from then on. */
export function recognise(keys: KeyRing): MiddlewareHandler<ApiEnv> {
  return async function recogniseCaller(c, next) {
    const presented = presentedKey(c);
    const credential = presented === undefined ? undefined : keys.authenticate(presented);
    if (credential !== undefined) c.set('credential', credential);
    await next();
  };
}

/** The key of a request, known or not. */
export function presentedKey(c: Context<ApiEnv>): string | undefined {
  return requestHeader(c, 'x-api-key') ?? bearerToken(requestHeader(c, 'authorization'));
}

function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}
