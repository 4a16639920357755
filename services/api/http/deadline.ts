import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';

/**
 * Answers 504 when a request takes too long, and aborts the signal that its work was given. It is also aborted when
 * the client goes away.
 */
export function deadline(timeoutMs: number): MiddlewareHandler<ApiEnv> {
  return async function limitTime(c, next) {
    const late = new AbortController();
    c.set('signal', AbortSignal.any([c.req.raw.signal, late.signal]));
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
