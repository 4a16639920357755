import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { problemHeaders, toAppError, toProblem } from './problem.ts';

/** Answers problem+json for anything thrown, and logs what was our fault. */
export function onError(logger: Logger) {
  return (thrown: unknown, c: Context<ApiEnv>): Response => {
    if (c.req.raw.signal.aborted) {
      // Nobody reads this answer: the work was cancelled because its client went away.
      logger.info({ requestId: c.get('requestId') }, 'client went away');
      return problemResponse(new AppError('unavailable', 'the client went away'), c);
    }
    const error = toAppError(thrown);
    if (error.status >= 500) {
      logger.error({ requestId: c.get('requestId'), code: error.code, err: error.cause ?? error }, 'request failed');
    }
    return problemResponse(error, c);
  };
}

export function problemResponse(error: AppError, c: Context<ApiEnv>): Response {
  const problem = toProblem(error, { instance: c.req.path, requestId: c.get('requestId') });
  return c.body(JSON.stringify(problem), error.status, problemHeaders(error));
}
