import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';

/** What happens to a request when its time is up. Its signals are aborted in any case. */
export interface TimeLimit {
  /** It is answered with this instead of 504, and its signals are aborted with it. */
  answerLateWith(error: AppError): void;
  /** From here on the handler answers by itself: what it does cannot be given up without knowing how it ended. */
  handOver(): void;
}

/**
 * Answers 504 when a request takes too long, and aborts the signals that its work was given. `signal()` is also
 * aborted when the client goes away.
 */
export function deadline(timeoutMs: number): MiddlewareHandler<ApiEnv> {
  return async function limitTime(c, next) {
    const late = new AbortController();
    let error: AppError | undefined;
    let isHandedOver = false;
    let signal: AbortSignal | undefined;
    // Made for whom it is of use: listening to the client costs a tenth of a whole request.
    c.set('signal', () => (signal ??= AbortSignal.any([c.req.raw.signal, late.signal])));
    c.set('deadline', late.signal);
    c.set('timeLimit', {
      answerLateWith: (instead) => (error = instead),
      handOver: () => (isHandedOver = true),
    });
    const passed = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      error ??= new AppError('deadline_exceeded', `the request took longer than ${timeoutMs} ms`);
      late.abort(error);
      if (!isHandedOver) passed.reject(error);
    }, timeoutMs);
    try {
      await Promise.race([next(), passed.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
