import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';

/** The key of a request, in `x-api-key` or as a bearer token; known or not. */
export function presentedKey(c: Context<ApiEnv>): string | undefined {
  return requestHeader(c, 'x-api-key') ?? bearerToken(requestHeader(c, 'authorization'));
}

export function unauthenticated(presented: string | undefined): AppError {
  const message =
    presented === undefined
      ? 'Send an API key in the x-api-key header or as a bearer token.'
      : 'This API key is not known.';
  return new AppError('unauthenticated', message);
}

function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}
