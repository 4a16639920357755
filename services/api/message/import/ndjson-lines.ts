import { TextDecoder } from 'node:util';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Slicer } from '../../http/time-slicer.ts';
import type { Place } from './formats/format.ts';

/** A line of the input, by its number from 1: its text, what is wrong with it, or why there is nothing to store. */
export interface InputLine {
  readonly number: number;
  readonly text: string | AppError | { readonly skipped: string };
  /** Where it stands in the source, when that has no lines of ours. */
  readonly place?: Place;
}

const newline = 0x0a;
/** So much is cut at a time, as it mostly comes: it may be nothing but blank lines. */
const bytesPerSlice = 65_536;

/**
 * Cuts bytes into lines, https://github.com/ndjson/ndjson-spec: ended by `\n` or `\r\n`, the last one also by the end of
 * the input. Blank lines are counted and left out, and a byte-order mark before a line is skipped. Holds no more than one chunk and one line.
 *
 * @param maxLineBytes a longer line becomes `payload_too_large` and its bytes are passed over.
 * @returns the lines that each part of a chunk has completed, if any.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
  slicer: Slicer,
): AsyncGenerator<readonly InputLine[]> {
  const cutter = new LineCutter(maxLineBytes);
  for await (const chunk of chunks) {
    for (let first = 0; first < chunk.length; first += bytesPerSlice) {
      const lines = await slicer.run(() => cutter.push(chunk.subarray(first, first + bytesPerSlice)));
      if (lines.length > 0) yield lines;
    }
  }
  const last = cutter.end();
  if (last.length > 0) yield last;
}

class LineCutter {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #number = 0;
  /** What has come of the line that is not complete; nothing once it is too long. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  push(chunk: Uint8Array): InputLine[] {
    const lines: InputLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      // Of nothing there may be very many.
      if (end === start && this.#begunBytes === 0) this.#number += 1;
      else lines.push(...this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  end(): InputLine[] {
    return this.#begunBytes === 0 ? [] : this.#complete(new Uint8Array());
  }

  #keep(rest: Uint8Array): void {
    this.#begunBytes += rest.length;
    if (this.#begunBytes > this.#maxLineBytes) this.#begun = [];
    else if (rest.length > 0) this.#begun.push(rest);
  }

  #complete(rest: Uint8Array): InputLine[] {
    this.#number += 1;
    const bytes = this.#begunBytes + rest.length;
    const whole = this.#begun.length === 0 ? rest : Buffer.concat([...this.#begun, rest]);
    this.#begun = [];
    this.#begunBytes = 0;
    const text = bytes > this.#maxLineBytes ? this.#tooLong() : this.#decode(whole);
    return typeof text === 'string' && text.trim() === '' ? [] : [{ number: this.#number, text }];
  }

  #tooLong(): AppError {
    return new AppError('payload_too_large', `The line is longer than ${this.#maxLineBytes} bytes.`);
  }

  #decode(bytes: Uint8Array): string | AppError {
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      return new AppError('malformed_json', 'The line is not valid UTF-8.', { cause: error });
    }
  }
}
