import { TextDecoder } from 'node:util';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';

const jsonType = /^application\/(?:[a-z.-]+\+)?json(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Checks media type and size and decodes the body strictly: a byte sequence that is not UTF-8 is refused
 * instead of being replaced in silence. What it read is left where Hono's own `req.json()` looks first.
 */
export function jsonBody(options: { readonly maxBytes: number }): MiddlewareHandler<ApiEnv> {
  const limit = bodyLimit({
    maxSize: options.maxBytes,
    onError: () => {
      throw tooLarge(options.maxBytes);
    },
  });
  const decoder = new TextDecoder('utf-8', { fatal: true });

  async function readText(c: Context<ApiEnv>): Promise<void> {
    const text = decodeUtf8(decoder, await c.req.arrayBuffer());
    // Hono keeps promises here, though it declares the values.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  }

  return async function readJsonBody(c, next) {
    if (!jsonType.test(requestHeader(c, 'content-type')?.trim() ?? '')) {
      throw new AppError('unsupported_media_type', 'Send the body as application/json in UTF-8.');
    }
    const announced = announcedLength(c);
    if (announced === undefined) {
      return limit(c, async () => {
        await readText(c);
        await next();
      });
    }
    if (announced > options.maxBytes) throw tooLarge(options.maxBytes);
    await readText(c);
    await next();
  };
}

/** Bytes of the body as its header says: the parser holds the client to it. Undefined when it comes in chunks. */
function announcedLength(c: Context<ApiEnv>): number | undefined {
  const length = requestHeader(c, 'content-length');
  return length === undefined || requestHeader(c, 'transfer-encoding') !== undefined ? undefined : Number(length);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
}

function decodeUtf8(decoder: TextDecoder, bytes: ArrayBuffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new AppError('malformed_json', 'The body is not valid UTF-8.', { cause: error });
  }
}
