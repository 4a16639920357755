import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';

// Every request reads some headers and answers with a dozen. Through web `Headers` objects, which check and convert
// each value, that cost more than storing the message. Without a listener, as in tests, there are only those.
type Bindings = Partial<ApiEnv['Bindings']> | undefined;

/** @param name in lower case. */
export function requestHeader(c: Context<ApiEnv>, name: string): string | undefined {
  const bindings: Bindings = c.env;
  if (bindings?.incoming === undefined) return c.req.header(name);
  const value = bindings.incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Sets a header of the answer, whatever the answer will be. */
export function answerHeader(c: Context<ApiEnv>, name: string, value: string): void {
  const bindings: Bindings = c.env;
  if (bindings?.outgoing === undefined) c.header(name, value);
  else if (!bindings.outgoing.headersSent) bindings.outgoing.setHeader(name, value);
}

/** Headers that are made once and sent many times. */
export type HeaderSet = readonly (readonly [name: string, value: string])[];

/** Sets headers of the answer, whatever the answer will be. */
export function answerHeaders(c: Context<ApiEnv>, headers: HeaderSet): void {
  for (const [name, value] of headers) answerHeader(c, name, value);
}

/** Without a listener, as in tests, there is no peer. */
export function peerAddress(c: Context<ApiEnv>): string | undefined {
  const bindings: Bindings = c.env;
  return bindings?.incoming?.socket.remoteAddress;
}
