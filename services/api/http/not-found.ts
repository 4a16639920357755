import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { ApiEnv } from './api-env.ts';
import { problemResponse } from './on-error.ts';

/** Answers 404 where there is no route, and 405 with `Allow` where there is one for another method. */
export function notFound(app: Hono<ApiEnv>) {
  // A middleware by birth, but of use only here: around every request it would cost each of them. It keeps what it has
  // learnt of the routes from its first request on.
  const refuse = methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => refuseMethod(c, methods) });
  return async (c: Context<ApiEnv, string>): Promise<Response> => {
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
