import { createHash } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import { answerHeader, requestHeader } from '../http/node-headers.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import type { WaitOptions } from '../polling/poll-schedule.ts';
import { parsePreferWait, preferenceApplied } from './wait/prefer-wait.ts';
import type { Created } from './message.service.ts';
import type { IdempotencyRequest } from './ingest/idempotency.ts';
import { nothingStored } from '../http/errors.ts';

const tooLate = () => nothingStored('its time was up before it was written');

/**
 * For what stores messages: a request whose time is up before it is written is answered 503, and says that nothing of it
 * was stored. Never 504, which leaves that open. Its handler calls `handOver` before it writes.
 */
export function storesMessages(): MiddlewareHandler<ApiEnv> {
  return function limitTimeOfStoring(c, next) {
    c.get('timeLimit').answerLateWith(tooLate);
    return next();
  };
}

/** What every way of storing messages has to know of its request. @param maxWaitSeconds that `Prefer` may ask for. */
export async function readCreateOptions(c: Context<ApiEnv>, maxWaitSeconds: number) {
  const seconds = parsePreferWait(requestHeader(c, 'prefer'), maxWaitSeconds);
  const wait = seconds === undefined ? undefined : { timeoutMs: seconds * 1000, signal: c.get('signal')() };
  return { requestId: c.get('requestId'), signal: c.get('deadline'), idempotency: await readIdempotency(c), wait };
}

const keyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * What a request's `Idempotency-Key` asks for; undefined without one. The header of
 * draft-ietf-httpapi-idempotency-key-header-07, but any printable text is taken, quotes included.
 *
 * @throws AppError `invalid_request` when it is empty, longer than 255 characters or not printable ASCII.
 */
async function readIdempotency(c: Context<ApiEnv>): Promise<IdempotencyRequest | undefined> {
  const key = requestHeader(c, 'idempotency-key');
  if (key === undefined) return undefined;
  if (!keyPattern.test(key)) {
    const detail = 'must be 1 to 255 printable ASCII characters without spaces';
    throw invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
  }
  const hash = createHash('sha256')
    .update(`${c.req.method} ${c.req.path}\n`)
    .update(await c.req.text());
  return { key, requestHash: hash.digest() };
}

/** Says with the answer what of its request was taken into account. */
export function answerCreateOptions(
  c: Context<ApiEnv>,
  { wait }: { readonly wait: WaitOptions | undefined },
  { replayed }: Pick<Created, 'replayed'>,
): void {
  if (replayed) answerHeader(c, 'Idempotency-Replayed', 'true');
  else if (wait !== undefined) answerHeader(c, 'Preference-Applied', preferenceApplied(wait.timeoutMs / 1000));
}

/** Described, not validated by the router: that would copy all headers of each request. */
export const createParameters = [
  {
    in: 'header' as const,
    name: 'Idempotency-Key',
    schema: { type: 'string' as const, maxLength: 255 },
    description:
      'A text of your own, such as a UUID, that makes the request take effect once. For 24 hours the same key with the same body gets the same answer, marked ' +
      'Idempotency-Replayed: true; with another body it is refused with 422.',
  },
  {
    in: 'header' as const,
    name: 'Prefer',
    schema: { type: 'string' as const, example: 'wait=5' },
    description:
      'wait=N (RFC 7240) answers once nothing of the request is pending any more, or after N seconds with what is known ' +
      'then; 200 instead of 202 says that nothing is pending. Preference-Applied tells the N that was taken: at most ' +
      'a second less than a request may last. Anything else is ignored.',
  },
];
