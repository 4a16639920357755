import { frameHeaderLength, backend, readCString } from './frames.ts';

/** State after a unit, from ReadyForQuery: idle, in a transaction, in a failed one; undefined: none was sent. */
export type TransactionStatus = 'I' | 'T' | 'E' | undefined;

export interface BackendSink {
  /** Bytes for the client that asked. The view is valid only during the call. */
  bytes(bytes: Uint8Array): void;
  /** A whole NotificationResponse, which belongs to the sessions that listen. Valid only during the call. */
  notification(channel: string, bytes: Buffer): void;
  /** A whole DataRow, when rows are wanted. */
  row?(bytes: Buffer): void;
}

const typeOf = (letter: string): number => letter.charCodeAt(0);
const notificationType = typeOf(backend.notification);
const readyType = typeOf(backend.readyForQuery);
const errorType = typeOf(backend.errorResponse);
const completeType = typeOf(backend.commandComplete);
const rowType = typeOf(backend.dataRow);

/**
 * Reads the engine's answer to one unit as it streams by: takes the notifications out, and remembers how it ended.
 * Frames that matter are small and are collected whole; the others pass through without being copied or delayed.
 */
export class BackendScanner {
  status: TransactionStatus;
  /** First ErrorResponse of the unit, whole. */
  error: Buffer | undefined;
  /** Tag of the last command that completed, such as `COMMIT` or `INSERT 0 1`. */
  lastTag = '';
  readonly #sink: BackendSink;
  #partial = Buffer.alloc(0);
  #passThrough = 0;
  #notification: Buffer | undefined;

  constructor(sink: BackendSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#partial.length > 0) bytes = Buffer.concat([this.#partial, bytes]);
    this.#partial = Buffer.alloc(0);
    let offset = 0;
    let passed = 0;
    while (offset < bytes.length) {
      const end = this.#passThrough > 0 ? this.#skip(bytes, offset) : this.#frameEnd(bytes, offset);
      if (end === undefined) break;
      if (this.#notification) {
        this.#forward(bytes.subarray(passed, offset));
        this.#sink.notification(readCString(this.#notification, frameHeaderLength + 4).text, this.#notification);
        this.#notification = undefined;
        passed = end;
      }
      offset = end;
    }
    this.#forward(bytes.subarray(passed, offset));
    // A copy: the chunk may be a view into memory that the engine reuses.
    if (offset < bytes.length) this.#partial = Buffer.from(bytes.subarray(offset));
  }

  /** Where the part of a long frame ends that is here. */
  #skip(bytes: Buffer, offset: number): number {
    const length = Math.min(this.#passThrough, bytes.length - offset);
    this.#passThrough -= length;
    return offset + length;
  }

  /** Where the frame that starts here ends; undefined when it has to be whole and is not yet. */
  #frameEnd(bytes: Buffer, offset: number): number | undefined {
    if (bytes.length - offset < frameHeaderLength) return undefined;
    const type = bytes[offset] ?? 0;
    const length = bytes.readInt32BE(offset + 1) + 1;
    if (!this.#isRead(type)) {
      this.#passThrough = length;
      return this.#skip(bytes, offset);
    }
    if (bytes.length - offset < length) return undefined;
    this.#read(type, bytes.subarray(offset, offset + length));
    return offset + length;
  }

  #isRead(type: number): boolean {
    if (type === rowType) return this.#sink.row !== undefined;
    return type === notificationType || type === readyType || type === errorType || type === completeType;
  }

  #read(type: number, bytes: Buffer): void {
    if (type === readyType) this.status = statusOf(bytes[frameHeaderLength]);
    else if (type === notificationType) this.#notification = bytes;
    else if (type === completeType) this.lastTag = readCString(bytes, frameHeaderLength).text;
    else if (type === errorType) this.error ??= Buffer.from(bytes);
    else this.#sink.row?.(bytes);
  }

  #forward(bytes: Buffer): void {
    if (bytes.length > 0) this.#sink.bytes(bytes);
  }
}

function statusOf(byte: number | undefined): TransactionStatus {
  const letter = String.fromCharCode(byte ?? 0);
  return letter === 'T' || letter === 'E' ? letter : 'I';
}
