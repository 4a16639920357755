import type { Context, MiddlewareHandler } from 'hono';
import type { z } from 'zod';
import type { ApiEnv } from './api-env.ts';
import { invalidRequest, toFieldErrors } from './validation-hook.ts';

// The longest query string that is of use has some forty. Hono looks through the rest of the string for each of them.
const maxParameters = 200;

/**
 * Refuses a query string of very many parameters, and one that is not UTF-8 in percent-encoding: Hono leaves what it
 * cannot decode as it is, so `%FF` would be searched for as three letters.
 */
export const strictQuery: MiddlewareHandler<ApiEnv> = function checkQuery(c, next) {
  const { url } = c.req;
  const start = url.indexOf('?');
  if (start !== -1) {
    const hash = url.indexOf('#', start);
    const pairs = url.slice(start + 1, hash === -1 ? undefined : hash).split('&', maxParameters + 1);
    if (pairs.length > maxParameters) {
      throw invalidRequest([{ in: 'query', pointer: '', detail: `has more than ${maxParameters} parameters` }]);
    }
    const detail = 'is not UTF-8 in percent-encoding';
    const errors = pairs.flatMap((pair) => {
      const [name, value] = splitPair(pair);
      const decoded = decode(name);
      const isSound = decoded !== undefined && decode(value) !== undefined;
      return isSound ? [] : [{ in: 'query', pointer: `/${decoded ?? name}`, detail } as const];
    });
    if (errors.length > 0) throw invalidRequest(errors);
  }
  return next();
};

/**
 * The query of a request whose route is not one of `openapi`. A parameter that is sent twice is refused, as elsewhere.
 *
 * @throws AppError `invalid_request`
 */
export function readQuery<Schema extends z.ZodType>(c: Context<ApiEnv>, schema: Schema): z.output<Schema> {
  const sent = Object.entries(c.req.queries()).map(([name, values]) => [name, values.length > 1 ? values : values[0]]);
  const parsed = schema.safeParse(Object.fromEntries(sent));
  if (parsed.success) return parsed.data;
  throw invalidRequest(toFieldErrors(parsed.error, 'query'));
}

function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** Undefined for what cannot be decoded. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
