import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { ApiEnv } from '../../http/api-env.ts';
import { requestHeader } from '../../http/node-headers.ts';
import { invalidRequest } from '../../http/validation-hook.ts';
import type { IdempotencyRequest } from './idempotency.ts';

const pattern = /^[\x21-\x7e]{1,255}$/;

/**
 * What a request's `Idempotency-Key` asks for; undefined without one. The header of
 * draft-ietf-httpapi-idempotency-key-header-07, but any printable text is taken, quotes included.
 *
 * @throws AppError `invalid_request` when it is empty, longer than 255 characters or not printable ASCII.
 */
export async function readIdempotency(c: Context<ApiEnv>): Promise<IdempotencyRequest | undefined> {
  const key = requestHeader(c, 'idempotency-key');
  if (key === undefined) return undefined;
  if (!pattern.test(key)) {
    const detail = 'must be 1 to 255 printable ASCII characters without spaces';
    throw invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
  }
  const hash = createHash('sha256')
    .update(`${c.req.method} ${c.req.path}\n`)
    .update(await c.req.text());
  return { key, requestHash: hash.digest() };
}
