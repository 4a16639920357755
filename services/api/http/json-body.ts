import { TextDecoder } from 'node:util';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import type { BodyReservation } from '../cost/body-memory.ts';
import type { FairSlot, FairSlots } from '../cost/fair-slots.ts';
import { isWithinShape } from '../cost/json-size.ts';
import { requestLimits } from '../cost/request-cost.ts';
import { soleTenantOf } from '../access/caller.ts';
import type { ApiEnv } from './api-env.ts';
import { contentCoding, inflateAll, type Coding } from './content-encoding.ts';
import { requestHeader } from './node-headers.ts';
import type { TimeSlicer } from './time-slicer.ts';
import { invalidRequest } from './validation-hook.ts';

export interface JsonBodyOptions {
  readonly maxBytes: number;
  /** For large bodies that are read at the same time. */
  readonly slots: FairSlots;
  readonly slicer: TimeSlicer;
  /** Names and values that a body may have; undefined when they are counted where it is parsed. */
  readonly maxParts?: number;
}

/** Large bodies of a key that are read at a time; others wait unread, and cost nothing. */
export const largeBodiesPerKey = 6;

const largeBytes = 65_536;
/** Of a body that takes about a millisecond to be read from its connection and put together. */
const bytesReadPerMs = 262_144;

/** A shorter text is parsed and checked in a millisecond or two, whatever it holds. */
const smallCharacters = 16_384;

const jsonType = /^application\/(?:[a-z.-]+\+)?json(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Checks media type and size and decodes the body strictly: a byte sequence that is not UTF-8 is refused
 * instead of being replaced in silence. What it read is left where Hono's own `req.json()` looks first.
 *
 * A compressed body is inflated, up to the same size. A byte-order mark is skipped.
 *
 * The bytes of the body count as held until the request has been worked on, by the length that the client announced from
 * before the first of them is read. In a turn of the event loop one large body is parsed.
 */
export function jsonBody({ maxBytes, slots, slicer, maxParts }: JsonBodyOptions): MiddlewareHandler<ApiEnv> {
  const decoder = new TextDecoder('utf-8', { fatal: true });

  /** A body in chunks says its size only by its end. */
  async function readChunks(c: Context<ApiEnv>, memory: BodyReservation, slot: FairSlot): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = c.req.raw.body?.getReader();
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) return Buffer.concat(chunks, bytes);
      bytes += next.value.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      memory.grow(next.value.length);
      chunks.push(next.value);
      if (bytes > largeBytes) await takeSlot(c, slot);
    }
  }

  async function readBytes(
    c: Context<ApiEnv>,
    memory: BodyReservation,
    slot: FairSlot,
  ): Promise<ArrayBuffer | Uint8Array> {
    const announced = announcedLength(c);
    if (announced === undefined) return readChunks(c, memory, slot);
    if (announced > maxBytes) throw tooLarge(maxBytes);
    if (announced > largeBytes) await takeSlot(c, slot);
    memory.grow(announced);
    return c.req.arrayBuffer();
  }

  return async function readJsonBody(c, next) {
    if (!jsonType.test(requestHeader(c, 'content-type')?.trim() ?? '')) {
      throw new AppError('unsupported_media_type', 'Send the body as application/json in UTF-8.');
    }
    const coding = contentCoding(c);
    const { keyId } = c.get('caller');
    const memory = c.get('bodyMemory').open(keyId);
    const slot = slots.open(keyId);
    try {
      const reading = readBytes(c, memory, slot);
      const inflate = async (compressed: ArrayBuffer | Uint8Array, by: Coding) => {
        await takeSlot(c, slot);
        return inflated(compressed, by, { maxBytes, memory });
      };
      const inflating = coding === undefined ? reading : reading.then((bytes) => inflate(bytes, coding));
      const bytes = await untilDeadline(c, inflating);
      const read = () => decodeWithin(decoder, bytes, maxParts);
      // What follows at once, up to the end of the checks, belongs to the same turn.
      const text =
        bytes.byteLength <= smallCharacters
          ? read()
          : await slicer.of(soleTenantOf(c.get('caller')) ?? keyId).runAlone(read, bytes.byteLength / bytesReadPerMs);
      // Hono keeps promises here, though it declares the values.
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
      slot.giveBack();
      await next();
    } finally {
      slot.giveBack();
      memory.release();
    }
  };
}

/** The limit is that of the body as it is sent, and again of what it becomes. */
async function inflated(
  bytes: ArrayBuffer | Uint8Array,
  coding: Coding,
  { maxBytes, memory }: { readonly maxBytes: number; readonly memory: BodyReservation },
): Promise<Uint8Array> {
  let length = 0;
  return inflateAll(bytes, coding, (more) => {
    length += more;
    if (length > maxBytes) throw tooLarge(maxBytes);
    memory.grow(more);
  });
}

/** Once it is answered, the rest of a body that has not come is not read any more: what it holds must not wait for it. */
async function untilDeadline<T>(c: Context<ApiEnv>, reading: Promise<T>): Promise<T> {
  const deadline = c.get('deadline');
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const pass = (): void => reject(deadline.reason);
  deadline.addEventListener('abort', pass, { once: true });
  reading.then(resolve, reject);
  try {
    return await promise;
  } finally {
    deadline.removeEventListener('abort', pass);
  }
}

async function takeSlot(c: Context<ApiEnv>, slot: FairSlot): Promise<void> {
  const gone = c.req.raw.signal;
  await slot.take(() => c.get('timeLimit').holdBodyBack());
  // The body of a client that has left meanwhile, or has its answer, would never end, nor give the slot back.
  gone.throwIfAborted();
  c.get('deadline').throwIfAborted();
}

/** Why the JSON text of a body, or of one message, is not parsed at all. */
export function refusalOf(text: string, maxParts: number): AppError | undefined {
  if (text.length <= smallCharacters) return undefined;
  const members = requestLimits.bodyMembers;
  if (isWithinShape(text, { members, parts: maxParts })) return undefined;
  const detail = `has more than ${members} fields, or more than ${maxParts} names and values in all`;
  return invalidRequest([{ in: 'body', pointer: '', detail }]);
}

/** Bytes of the body as its header says: the parser holds the client to it. Undefined when it comes in chunks. */
function announcedLength(c: Context<ApiEnv>): number | undefined {
  const length = requestHeader(c, 'content-length');
  return length === undefined || requestHeader(c, 'transfer-encoding') !== undefined ? undefined : Number(length);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
}

/** @throws AppError `malformed_json`; `invalid_request` for more names and values than a body may have. */
function decodeWithin(decoder: TextDecoder, bytes: ArrayBuffer | Uint8Array, maxParts: number | undefined): string {
  const text = decodeUtf8(decoder, bytes);
  const refusal = maxParts === undefined ? undefined : refusalOf(text, maxParts);
  if (refusal !== undefined) throw refusal;
  return text;
}

function decodeUtf8(decoder: TextDecoder, bytes: ArrayBuffer | Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new AppError('malformed_json', 'The body is not valid UTF-8.', { cause: error });
  }
}
