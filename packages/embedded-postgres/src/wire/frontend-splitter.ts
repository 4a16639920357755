import { frameHeaderLength } from './frames.ts';

/** What a client sent: before the session starts packets without a type byte, afterwards typed messages. */
export interface FrontendFrame {
  /** The type byte as a character; empty for a start-up packet. */
  readonly type: string;
  /** The whole frame, header included. */
  readonly bytes: Buffer;
}

/** PostgreSQL itself refuses start-up packets above this (MAX_STARTUP_PACKET_LENGTH). */
const maxStartupPacketLength = 10_000;
const maxMessageLength = 2 ** 30;

/** Cuts the bytes of a client into frames, however they were chunked. */
export class FrontendSplitter {
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = 1;
  #typed = false;

  /** From now on frames carry a type byte; call when the start-up packet has been read. */
  expectMessages(): void {
    this.#typed = true;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#size += chunk.length;
  }

  /**
   * The next whole frame, if there is one.
   * @throws RangeError when the length field cannot be right
   */
  next(): FrontendFrame | undefined {
    const headerLength = this.#typed ? frameHeaderLength : 4;
    if (this.#size < Math.max(this.#wanted, headerLength)) return undefined;
    const bytes = this.#joined();
    const lengthOffset = headerLength - 4;
    const length = bytes.readInt32BE(lengthOffset);
    const limit = this.#typed ? maxMessageLength : maxStartupPacketLength;
    if (length < 4 || length > limit) throw new RangeError(`invalid length of message: ${length}`);
    const end = lengthOffset + length;
    // Chunks are joined again only once the rest of a large message has arrived, so that it costs one copy.
    this.#wanted = end;
    if (this.#size < end) return undefined;
    this.#keep(bytes.subarray(end));
    return { type: this.#typed ? String.fromCharCode(bytes[0] ?? 0) : '', bytes: bytes.subarray(0, end) };
  }

  #joined(): Buffer {
    const [only] = this.#chunks;
    const joined = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    this.#wanted = 1;
  }
}
