import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';

export interface ReadRefusedOptions {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

// The client was too slow already.
const tooLate = new Set([408, 504]);

/**
 * What is to be done once a request has its answer, and before that is sent: it reads the rest of the body of a refused
 * request, up to a limit. Otherwise the connection of a client that reads only after it has sent everything would be
 * reset, and the client would not see the answer. For most requests there is nothing to do.
 */
export function readRefused({ maxBytes, timeoutMs }: ReadRefusedOptions) {
  return function readRest(c: Context<ApiEnv>): Promise<void> | undefined {
    // Without a listener, as in tests, there is no connection.
    const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
    const incoming = bindings?.incoming;
    if (incoming === undefined || incoming.complete || incoming.destroyed) return undefined;
    if (c.res.status < 400 || tooLate.has(c.res.status)) return undefined;
    return discard(incoming, maxBytes, timeoutMs);
  };
}

async function discard(incoming: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) resolve();
    // The earlier reader of the body still listens, and pauses it with every chunk that nobody takes.
    else incoming.resume();
  };
  const timer = setTimeout(resolve, timeoutMs);
  incoming.on('data', onData).once('end', resolve).once('close', resolve);
  incoming.resume();
  await promise;
  clearTimeout(timer);
  incoming.off('data', onData).off('end', resolve).off('close', resolve);
}
