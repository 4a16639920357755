import { AppError, type FieldError } from '@memory-layer/shared/errors/app-error';
import { errorCatalog, type ErrorCode } from '@memory-layer/shared/errors/error-catalog';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/is-database-unavailable';
import { isQueryCanceled } from '@memory-layer/shared/db/cancel/pooled-dialect';
import { HTTPException } from 'hono/http-exception';

/** RFC 9457 problem details with this API's extension members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

// What the caller learns of a 5xx. The cause is in the log, under the request id.
const fixedDetail: Partial<Record<ErrorCode, string>> = {
  internal: 'Something went wrong on our side. The request id tells the operator where to look.',
  embedding_rejected: 'Something went wrong on our side. The request id tells the operator where to look.',
  unavailable: 'The service cannot take this request right now. Try again shortly.',
  embedding_unavailable: 'The embedding model cannot be reached right now. Try again shortly.',
  deadline_exceeded: 'The request took too long and was given up.',
};

export function toProblem(error: AppError, where: { readonly instance: string; readonly requestId: string }): Problem {
  return {
    type: `urn:memory-layer:error:${error.code}`,
    title: errorCatalog[error.code].title,
    status: error.status,
    detail: error.publicDetail ?? fixedDetail[error.code] ?? error.message,
    instance: where.instance,
    code: error.code,
    requestId: where.requestId,
    ...(error.errors.length > 0 ? { errors: error.errors } : {}),
  };
}

/** The fields that go with a problem. */
export function problemHeaders(error: AppError): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) }),
    ...(error.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer realm="memory-layer"' } : {}),
  };
}

const codeOfStatus = new Map<number, ErrorCode>([
  [400, 'malformed_json'],
  [401, 'unauthenticated'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [405, 'method_not_allowed'],
  [413, 'payload_too_large'],
  [415, 'unsupported_media_type'],
]);

/** Turns whatever was thrown into the one error type. What is not known is `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // What Node.js itself ends at a signal rejects with an AbortError; the signal's reason is its cause.
  if (error instanceof Error && error.name === 'AbortError' && error.cause instanceof AppError) return error.cause;
  if (isDatabaseUnavailable(error)) {
    return new AppError('unavailable', 'the database is away', { cause: error, retryAfterSeconds: 1 });
  }
  if (isQueryCanceled(error)) {
    // By `statement_timeout`, and rolled back: what reads for a request alone is a deadline already (see cancelledBy).
    return new AppError('unavailable', 'the database took too long', { cause: error, retryAfterSeconds: 1 });
  }
  if (error instanceof HTTPException) {
    const code = codeOfStatus.get(error.status);
    if (code !== undefined) return new AppError(code, error.message, { cause: error });
  }
  return new AppError('internal', 'unexpected error', { cause: error });
}
