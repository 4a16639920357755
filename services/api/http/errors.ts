import { AppError, type FieldError } from '@memory-layer/shared/errors/app-error';
import { errorCatalog, type ErrorCode } from '@memory-layer/shared/errors/error-catalog';
import { diskFullError, isDiskFull } from '@memory-layer/shared/errors/disk-full';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/database-errors';
import { isQueryCanceled } from '@memory-layer/shared/db/cancel/pooled-dialect';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { ApiEnv } from './api-env.ts';
import { otherVersionOf, unsupportedVersion, type UnsupportedVersion } from './api-version.ts';
import { malformedJson } from './json-position.ts';

/** RFC 9457 problem details with this API's extension members. */
export interface Problem extends Partial<UnsupportedVersion> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, of a 429: what its Retry-After says. */
  readonly retry_after?: number;
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
    ...(error.status === 429 && error.retryAfterSeconds !== undefined
      ? { retry_after: Math.ceil(error.retryAfterSeconds) }
      : {}),
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

/** Nothing was stored: the request may be sent again as it is. */
export function nothingStored(message: string, cause?: unknown): AppError {
  const publicDetail = 'Nothing of this request was stored. Send it again shortly.';
  return new AppError('unavailable', message, { cause, publicDetail, retryAfterSeconds: 1 });
}

/** Turns whatever was thrown into the one error type. What is not known is `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // What Node.js itself ends at a signal rejects with an AbortError; the signal's reason is its cause.
  if (error instanceof Error && error.name === 'AbortError' && error.cause instanceof AppError) return error.cause;
  if (isDiskFull(error)) return diskFullError(error);
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

/**
 * Answers problem+json for anything thrown, and logs what was our fault.
 *
 * @param observe called with each error that is answered.
 */
export function onError(logger: Logger, observe?: (c: Context<ApiEnv>, error: AppError) => void) {
  return async (thrown: unknown, c: Context<ApiEnv>): Promise<Response> => {
    if (c.req.raw.signal.aborted) {
      // Nobody reads this answer: the work was cancelled because its client went away.
      logger.info({ requestId: c.get('requestId') }, 'client went away');
      return problemResponse(new AppError('unavailable', 'the client went away'), c);
    }
    const error = (await malformedBody(thrown, c)) ?? toAppError(thrown);
    observe?.(c, error);
    if (error.status >= 500) {
      logger.error({ requestId: c.get('requestId'), code: error.code, err: error.cause ?? error }, 'request failed');
    }
    return problemResponse(error, c);
  };
}

/** Hono's validator says no more than that a body is not JSON. Its text is where `jsonBody` left it. */
async function malformedBody(thrown: unknown, c: Context<ApiEnv>): Promise<AppError | undefined> {
  if (!(thrown instanceof HTTPException) || thrown.status !== 400) return undefined;
  // Hono keeps promises here, though it declares the values.
  const text = await Promise.resolve(c.req.bodyCache.text);
  return text === undefined ? undefined : malformedJson(thrown, 'The body', text);
}

/** Answers 404 where there is no route, 405 with `Allow` where there is one for another method, 400 for another version. */
export function notFound(app: Hono<ApiEnv>) {
  // A middleware by design, but called here alone: around every request it would cost each of them. It keeps what it
  // learns of the routes from its first request on.
  const refuse = methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => refuseMethod(c, methods) });
  return async (c: Context<ApiEnv, string>): Promise<Response> => {
    const version = otherVersionOf(c.req.path);
    if (version !== undefined) {
      const { error, members } = unsupportedVersion(version);
      return problemResponse(error, c, members);
    }
    c.res = problemResponse(new AppError('not_found', 'There is no such route.'), c);
    await refuse(c, async () => undefined);
    return c.res;
  };
}

function refuseMethod(c: Context<ApiEnv>, methods: readonly string[]): Response {
  const allow = methods.join(', ');
  const response = problemResponse(new AppError('method_not_allowed', `Allowed here: ${allow}.`), c);
  response.headers.set('allow', allow);
  return response;
}

function problemResponse(error: AppError, c: Context<ApiEnv>, members?: UnsupportedVersion): Response {
  const problem = { ...toProblem(error, { instance: c.req.path, requestId: c.get('requestId') }), ...members };
  return c.body(JSON.stringify(problem), error.status, problemHeaders(error));
}
