import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';

/**
 * Answers 504 when a request takes too long, and aborts the signals that its work was given. `signal()` is also
 * aborted when the client goes away.
 */
export function deadline(timeoutMs: number): MiddlewareHandler<ApiEnv> {
  return async function limitTime(c, next) {
    const late = new AbortController();
    let signal: AbortSignal | undefined;
    // Made for whom it is of use: listening to the client costs a tenth of a whole request.
    c.set('signal', () => (signal ??= AbortSignal.any([c.req.raw.signal, late.signal])));
    c.set('deadline', late.signal);
    const passed = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new AppError('deadline_exceeded', `the request took longer than ${timeoutMs} ms`);
      late.abort(error);
      passed.reject(error);
    }, timeoutMs);
    try {
      await Promise.race([next(), passed.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
