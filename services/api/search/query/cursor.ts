import { hash } from 'node:crypto';
import type { SearchRequest } from './search-request.ts';

/** How far a walk through pages has come. */
export interface SearchPosition {
  /** The moment of the first page. */
  readonly now: Date;
  /** The newest message of the tenant at that moment: what has a greater id came later. */
  readonly throughId: string;
  /** How many candidates the first page ranked by what stands around them, at most 255. */
  readonly neighbourhoods: number;
  /** Keys of the messages on the pages so far: see {@link shownKey}. */
  readonly shown: ReadonlySet<string>;
}

const version = 1;
const timeBytes = 6;
const idBytes = 16;
const keyBytes = 6;
const tagBytes = 16;
const headBytes = 1 + timeBytes + idBytes + 1;
const countAt = headBytes - 1;

/** Longest text of a cursor with so many messages shown. */
export const cursorLength = (shown: number) => Math.ceil(((headBytes + shown * keyBytes + tagBytes) * 8) / 6);

/** At most so many messages are shown by a cursor of that length. */
export const shownUpTo = (length: number) =>
  Math.max(0, Math.floor(((length * 6) / 8 - headBytes - tagBytes) / keyBytes));

/** The last 48 bits of a message's id, which are random: of a thousand shown, one more has a like key once in 10^11. */
export function shownKey(id: string): string {
  return id.slice(-keyBytes * 2);
}

/**
 * Opaque text of version, moment, newest id, number of neighbourhoods, keys and a tag over all of that and the request. It is not secret and not
 * signed: who makes one up changes nothing but which of their own tenant's hits they are shown.
 */
export function encodeSearchCursor(position: SearchPosition, request: SearchRequest): string {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(version);
  head.writeUIntBE(position.now.getTime(), 1, timeBytes);
  head.write(position.throughId.replaceAll('-', ''), 1 + timeBytes, 'hex');
  head.writeUInt8(position.neighbourhoods, countAt);
  const payload = Buffer.concat([head, Buffer.from([...position.shown].join(''), 'hex')]);
  return Buffer.concat([payload, tagOf(payload, request)]).toString('base64url');
}

/** @returns undefined when the text is not a cursor that a page of this very search ended with. */
export function decodeSearchCursor(text: string, request: SearchRequest): SearchPosition | undefined {
  const bytes = Buffer.from(text, 'base64url');
  const payload = bytes.subarray(0, -tagBytes);
  const keys = payload.subarray(headBytes);
  const isWhole = payload.length >= headBytes && keys.length % keyBytes === 0;
  if (bytes.toString('base64url') !== text || !isWhole || payload.readUInt8() !== version) return undefined;
  if (!tagOf(payload, request).equals(bytes.subarray(-tagBytes))) return undefined;
  const hex = keys.toString('hex');
  return {
    now: new Date(payload.readUIntBE(1, timeBytes)),
    throughId: toUuid(payload.toString('hex', 1 + timeBytes, countAt)),
    neighbourhoods: payload.readUInt8(countAt),
    shown: new Set(hex.match(/.{12}/g)),
  };
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function tagOf(payload: Buffer, request: SearchRequest): Buffer {
  return hash('sha256', Buffer.concat([payload, Buffer.from(describe(request))]), 'buffer').subarray(0, tagBytes);
}

/** All that decides which hits there are and in what order, as text; objects by sorted keys. */
function describe(request: SearchRequest): string {
  const { tenantId, text, mode, candidateLimit, filter, ranking, rerank, collapse, referenceTime, timeZone } = request;
  const vector = request.vector && Array.from(request.vector);
  const asked = {
    tenantId,
    vector,
    text,
    mode,
    candidateLimit,
    filter,
    ranking,
    rerank,
    collapse,
    referenceTime,
    timeZone,
  };
  return JSON.stringify(asked, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
