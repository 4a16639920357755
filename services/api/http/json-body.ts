import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ApiEnv } from './api-env.ts';

const jsonType = /^application\/(?:[a-z.-]+\+)?json(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Checks media type and size and decodes the body strictly: a byte sequence that is not UTF-8 is refused
 * instead of being replaced in silence. What it read is left where Hono's own `req.json()` looks first.
 */
export function jsonBody(options: { readonly maxBytes: number }): MiddlewareHandler<ApiEnv> {
  const limit = bodyLimit({
    maxSize: options.maxBytes,
    onError: () => {
      throw new AppError('payload_too_large', `The body is larger than ${options.maxBytes} bytes.`);
    },
  });
  return async function readJsonBody(c, next) {
    if (!jsonType.test(c.req.header('content-type')?.trim() ?? '')) {
      throw new AppError('unsupported_media_type', 'Send the body as application/json in UTF-8.');
    }
    await limit(c, async () => {
      const text = decodeUtf8(await c.req.arrayBuffer());
      // Hono keeps promises here, though it declares the values.
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
      await next();
    });
  };
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AppError('malformed_json', 'The body is not valid UTF-8.', { cause: error });
  }
}
