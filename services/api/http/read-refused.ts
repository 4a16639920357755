import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api-env.ts';

export interface ReadRefusedOptions {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

// Their bodies came too late already.
const tooLate = new Set([408, 504]);

/**
 * Reads what is left of the body of a refused request, up to a bound, before the answer: a client that sends all before
 * it reads would be reset, and never see why. Beyond the bound the connection ends.
 */
export function readRefused({ maxBytes, timeoutMs }: ReadRefusedOptions): MiddlewareHandler<ApiEnv> {
  return async function readRest(c, next) {
    await next();
    // Without a listener, as in tests, bodies are there at once.
    const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
    const incoming = bindings?.incoming;
    if (incoming === undefined || incoming.complete || incoming.destroyed) return;
    if (c.res.status < 400 || tooLate.has(c.res.status)) return;
    await discard(incoming, maxBytes, timeoutMs);
  };
}

async function discard(incoming: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) resolve();
  };
  const timer = setTimeout(resolve, timeoutMs);
  incoming.on('data', onData).once('end', resolve).once('close', resolve);
  incoming.resume();
  await promise;
  clearTimeout(timer);
  incoming.off('data', onData).off('end', resolve).off('close', resolve);
}
