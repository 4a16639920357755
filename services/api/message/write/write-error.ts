import { isDatabaseUnavailable } from '@memory-layer/shared/db/is-database-unavailable';
import { AppError } from '@memory-layer/shared/errors/app-error';

/** Nothing was stored: the request may be sent again as it is. */
export function nothingStored(message: string, cause?: unknown): AppError {
  const publicDetail = 'Nothing of this request was stored. Send it again shortly.';
  return new AppError('unavailable', message, { cause, publicDetail, retryAfterSeconds: 1 });
}

// SQLSTATE: 40 rolled back, 55P03 a lock was not to be had, 57014 the statement took too long; then what keeps a
// connection or a statement from beginning: 53 out of resources, 25006 read-only, and what `pg` and Node say of it.
const rolledBack = /^(40...|55P03|57014|53...|25006|ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/;
const notConnected = /timeout exceeded when trying to connect/i;

/**
 * What a caller is told of a write that failed. A connection that is lost while its statement runs leaves open whether
 * it was committed: PostgreSQL's documentation, "Reliability", and RFC 9110, section 9.2.2, on retries.
 */
export function toWriteError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (rolledBack.test(code) || notConnected.test(error.message)) {
    return nothingStored('the database did not take the messages', error);
  }
  if (!isDatabaseUnavailable(error)) return error;
  const publicDetail =
    'The database went away while it was storing this request, so its messages may be stored. Send it again under the ' +
    'same external_id or Idempotency-Key, and they are stored once.';
  return new AppError('unavailable', 'the database is away', { cause: error, publicDetail, retryAfterSeconds: 1 });
}
