import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type Zlib,
} from 'node:zlib';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context } from 'hono';
import type { ApiEnv } from './api-env.ts';
import { answerHeader, requestHeader } from './node-headers.ts';

const codings = ['gzip', 'deflate', 'br', 'zstd'] as const;
export type Coding = (typeof codings)[number];

const chunkSize = 65_536;
// Decoders support 8 MB at least (RFC 8878, section 3.1.1.1.2). A frame that needs more is refused.
const zstdWindowLog = 23;

/**
 * The coding of a body; undefined when it is not compressed.
 *
 * @throws AppError `unsupported_media_type` for anything but one of the codings, which `Accept-Encoding` of the answer
 * then lists (RFC 9110, section 12.5.3).
 */
export function contentCoding(c: Context<ApiEnv>): Coding | undefined {
  const name = requestHeader(c, 'content-encoding')?.trim().toLowerCase();
  if (name === undefined || name === '' || name === 'identity') return undefined;
  const coding = codings.find((known) => known === (name === 'x-gzip' ? 'gzip' : name));
  if (coding !== undefined) return coding;
  answerHeader(c, 'Accept-Encoding', codings.join(', '));
  throw new AppError(
    'unsupported_media_type',
    `Send the body as it is, or compressed by one of ${codings.join(', ')}.`,
  );
}

/** @param first the first bytes: some clients send `deflate` without the header of zlib. */
function createDecompressor(coding: Coding, first: Uint8Array): Transform & Pick<Zlib, 'bytesWritten'> {
  if (coding === 'gzip') return createGunzip({ chunkSize });
  if (coding === 'br') return createBrotliDecompress({ chunkSize });
  if (coding === 'zstd') {
    return createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } });
  }
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize });
}

// A zstd frame without content: Node's compressor ends what is written to it in parts with one.
const emptyFrame = Buffer.from('28b52ffd2000010000', 'hex');

/**
 * Inflates a body on demand. It reads no more of the source than the next chunk needs.
 *
 * @throws AppError `malformed_request` when the bytes are not in this coding, end too early, or go on after the end.
 */
export async function* inflate(source: AsyncIterable<Uint8Array>, coding: Coding): AsyncGenerator<Uint8Array> {
  const input = source[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true) return;
  const rest = { [Symbol.asyncIterator]: () => input };
  const decompressor = createDecompressor(coding, first.value);
  let given = 0;
  let tail: Buffer = Buffer.alloc(0);
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const bytes of startingWith(first.value, rest)) {
      given += bytes.length;
      tail = Buffer.concat([tail, bytes.subarray(-emptyFrame.length)]).subarray(-emptyFrame.length);
      yield bytes;
    }
  };
  const feeding = pipeline(Readable.from(counted()), decompressor).catch(() => undefined);
  try {
    for await (const chunk of decompressor) yield chunk;
  } catch (error) {
    throw new AppError('malformed_request', `The body is not whole, or not compressed by ${coding}.`, { cause: error });
  } finally {
    // Leaving the loop has destroyed the stream.
    await feeding;
  }
  // The decompressor ignores what follows: of two streams the second would be lost.
  const left = given - decompressor.bytesWritten;
  const isEmptyFrame = coding === 'zstd' && left === emptyFrame.length && emptyFrame.equals(tail);
  if (left > 0 && !isEmptyFrame) {
    throw new AppError('malformed_request', `The body goes on after the end of its ${coding} stream: send one stream.`);
  }
}

async function* startingWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Inflates a whole body. @param onBytes called before bytes are kept; it throws to refuse them. */
export async function inflateAll(
  bytes: ArrayBuffer | Uint8Array,
  coding: Coding,
  onBytes: (inflated: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(bytes);
  };
  for await (const chunk of inflate(whole(), coding)) {
    onBytes(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
