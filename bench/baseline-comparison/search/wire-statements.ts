/** A statement as a client has sent it. */
export interface SentStatement {
  /** Of a prepared statement; empty when it has none. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly SentValue[];
}

/** Text, or bytes in hexadecimal where the client has sent PostgreSQL's binary form. */
export type SentValue = string | null | { readonly hex: string };

const codes = { parse: 0x50, bind: 0x42, query: 0x51 } as const;

/**
 * Reads statements from what a client sends on one connection, as it comes.
 *
 * Source of the format: https://www.postgresql.org/docs/17/protocol-message-formats.html
 */
export class StatementReader {
  readonly #onStatement: (statement: SentStatement) => void;
  readonly #prepared = new Map<string, string>();
  #buffer: Buffer = Buffer.alloc(0);
  /** The first message of a connection has no letter in front. */
  #started = false;

  constructor(onStatement: (statement: SentStatement) => void) {
    this.#onStatement = onStatement;
  }

  read(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    for (;;) {
      const header = this.#started ? 1 : 0;
      if (this.#buffer.length < header + 4) return;
      const end = header + this.#buffer.readInt32BE(header);
      if (this.#buffer.length < end) return;
      if (this.#started) this.#message(this.#buffer[0] ?? 0, this.#buffer.subarray(5, end));
      this.#started = true;
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  #message(code: number, body: Buffer): void {
    const reader = new BodyReader(body);
    if (code === codes.query) this.#onStatement({ name: '', text: reader.text(), values: [] });
    if (code === codes.parse) this.#prepared.set(reader.text(), reader.text());
    if (code !== codes.bind) return;
    reader.text();
    const name = reader.text();
    const formats = reader.list(() => reader.int16());
    const formatOf = (index: number): number => (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
    const values = reader.list((index) => reader.value(formatOf(index)));
    this.#onStatement({ name, text: this.#prepared.get(name) ?? '', values });
  }
}

class BodyReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    const text = this.#body.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  int16(): number {
    this.#at += 2;
    return this.#body.readInt16BE(this.#at - 2);
  }

  list<Item>(one: (index: number) => Item): Item[] {
    return Array.from({ length: this.int16() }, (_, index) => one(index));
  }

  value(format: number): SentValue {
    const length = this.#body.readInt32BE(this.#at);
    this.#at += 4;
    if (length < 0) return null;
    const bytes = this.#body.subarray(this.#at, this.#at + length);
    this.#at += length;
    return format === 0 ? bytes.toString('utf8') : { hex: bytes.toString('hex') };
  }
}
