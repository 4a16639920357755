import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { answerHeader, requestHeader } from './node-headers.ts';

const pattern = /^[\w=-]{1,128}$/;

/** Names a request: by the client's `X-Request-Id` when that is usable, else by a new UUID; the answer says it. */
export function nameRequest(c: Context<ApiEnv>): void {
  const given = requestHeader(c, 'x-request-id');
  const id = given !== undefined && pattern.test(given) ? given : randomUUID();
  c.set('requestId', id);
  answerHeader(c, 'X-Request-Id', id);
}
