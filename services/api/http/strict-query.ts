import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { invalidRequest } from './validation-hook.ts';

/**
 * Refuses a query string that is not UTF-8 in percent-encoding: Hono leaves what it cannot decode as it is, so `%FF`
 * would be searched for as three letters.
 */
export const strictQuery: MiddlewareHandler<ApiEnv> = async function checkQuery(c, next) {
  const start = c.req.url.indexOf('?');
  if (start !== -1) {
    const query = c.req.url.slice(start + 1).replace(/#.*$/s, '');
    const bad = query
      .split('&')
      .map(splitPair)
      .filter(([name, value]) => !isDecodable(name) || !isDecodable(value));
    const detail = 'is not UTF-8 in percent-encoding';
    const errors = bad.map(
      ([name]) => ({ in: 'query', pointer: `/${isDecodable(name) ? decode(name) : name}`, detail }) as const,
    );
    if (errors.length > 0) throw invalidRequest(errors);
  }
  await next();
};

function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function isDecodable(text: string): boolean {
  try {
    decode(text);
    return true;
  } catch {
    return false;
  }
}

function decode(text: string): string {
  return decodeURIComponent(text);
}
