import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { answerHeader, requestHeader } from './node-headers.ts';

const pattern = /^[\w=-]{1,128}$/;

/** Names each request: by the client's `X-Request-Id` when that is usable, else by a new UUID; and answers with it. */
export const requestId: MiddlewareHandler<ApiEnv> = async function nameRequest(c, next) {
  const given = requestHeader(c, 'x-request-id');
  const id = given !== undefined && pattern.test(given) ? given : randomUUID();
  c.set('requestId', id);
  answerHeader(c, 'X-Request-Id', id);
  await next();
};
