import { Duplex } from 'node:stream';

/** The other side of a stream: one client of the engine. */
export interface EngineLink {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** The client sends nothing more and reads nothing more; what it has sent is still run. */
  finish(): void;
  /** The client is gone; what it has not been answered is dropped. */
  disconnect(): void;
}

type WriteCallback = (error?: Error | null) => void;

/**
 * What `pg` takes for its socket: a Duplex with the few methods of net.Socket that it calls.
 * @see https://node-postgres.com/apis/client, option `stream`
 */
export class EngineStream extends Duplex {
  readonly #open: (stream: EngineStream) => EngineLink;
  #link: EngineLink | undefined;

  /** @param open makes the connection; throws when the engine is not there any more */
  constructor(open: (stream: EngineStream) => EngineLink) {
    super({ allowHalfOpen: false });
    this.#open = open;
  }

  connect(): this {
    try {
      this.#link = this.#open(this);
      process.nextTick(() => this.emit('connect'));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Bytes from the engine. */
  receive(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(bytes);
  }

  /** The engine has ended this connection. */
  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteCallback): void {
    // A copy with a buffer of its own, which goes to the engine's thread without being copied again.
    this.#link?.send(new Uint8Array(chunk));
    done();
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: WriteCallback): void {
    this.#link?.send(concat(chunks.map(({ chunk }) => chunk)));
    done();
  }

  override _final(done: WriteCallback): void {
    this.#link?.finish();
    this.#link = undefined;
    this.receiveEnd();
    done();
  }

  override _destroy(error: Error | null, done: WriteCallback): void {
    this.#link?.disconnect();
    this.#link = undefined;
    done(error);
  }
}

function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}
