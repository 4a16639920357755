import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { answerHeader } from './node-headers.ts';

/**
 * Answers 504 when a request takes too long, or 408 when its body is what took so long, and aborts the signals that its
 * work was given. `signal()` is also aborted when the client goes away.
 */
export function deadline(timeoutMs: number): MiddlewareHandler<ApiEnv> {
  return async function limitTime(c, next) {
    const late = new AbortController();
    let makeError = (): AppError => new AppError('deadline_exceeded', `the request took longer than ${timeoutMs} ms`);
    let isHandedOver = false;
    let isBodyHeldBack = false;
    let either: AbortController | undefined;
    // Made for those who have a use for it. One listener a request, and none for the deadline: AbortSignal.any costs
    // three times as much.
    c.set('signal', () => (either ??= abortedWithClient(c.req.raw.signal, late.signal)).signal);
    c.set('deadline', late.signal);
    c.set('timeLimit', {
      answerLateWith: (instead) => (makeError = instead),
      handOver: () => (isHandedOver = true),
      holdBodyBack: () => (isBodyHeldBack = true),
    });
    const passed = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // Whatever it was to do: a body that does not come is not made good by sending it again.
      if (isBodyMissing(c)) {
        // Nothing can come behind the rest of the body, which may never come.
        answerHeader(c, 'Connection', 'close');
        if (!isBodyHeldBack) makeError = () => bodyTooLate(timeoutMs);
      }
      const error = makeError();
      // First: what the signals end may reject with an error of its own.
      if (!isHandedOver) passed.reject(error);
      late.abort(error);
      either?.abort(error);
    }, timeoutMs);
    try {
      await Promise.race([next(), passed.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function isBodyMissing(c: Context<ApiEnv>): boolean {
  // Without a listener, as in tests, bodies are there at once.
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  return bindings?.incoming?.complete === false;
}

function bodyTooLate(timeoutMs: number): AppError {
  return new AppError('request_timeout', `The body did not arrive within ${timeoutMs} ms.`);
}

/** Aborted when the client goes away, or at once when the time is up. */
function abortedWithClient(client: AbortSignal, late: AbortSignal): AbortController {
  const controller = new AbortController();
  const leave = (): void => controller.abort(new AppError('unavailable', 'the client went away'));
  if (client.aborted) leave();
  else if (late.aborted) controller.abort(late.reason);
  else client.addEventListener('abort', leave, { once: true });
  return controller;
}
