/** Collects small pieces, so that a message between threads is worth its cost; passes on what has grown large. */
const flushAtBytes = 64 * 1024;

/** The way of bytes to one client. */
export class ClientOutput {
  readonly #post: (bytes: Uint8Array<ArrayBuffer>) => void;
  #pieces: Uint8Array[] = [];
  #size = 0;

  /** @param post takes over the bytes: their buffer is their own and may be transferred */
  constructor(post: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#post = post;
  }

  /** Copies the bytes: they may be a view of memory that the engine uses again. */
  write(bytes: Uint8Array): void {
    this.#pieces.push(new Uint8Array(bytes));
    this.#size += bytes.length;
    if (this.#size >= flushAtBytes) this.flush();
  }

  flush(): void {
    if (this.#size === 0) return;
    const joined = new Uint8Array(this.#size);
    let offset = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, offset);
      offset += piece.length;
    }
    this.#pieces = [];
    this.#size = 0;
    this.#post(joined);
  }
}
