import { AppError } from '@memory-layer/shared/errors/app-error';
import { inflate, type Coding } from '../../http/content-encoding.ts';

/** Chats shrink to a twentieth at best; a decompression bomb to a thousandth. Small inputs are not checked. */
const maxExpansion = 256;
const freeBytes = 16 * 2 ** 20;

/** The decompressed bytes of an import. An error ends the input, and is reported when all before it is stored. */
export class ImportInput {
  /** Why the rest of the input was not read. */
  failure: AppError | undefined;
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #coding: Coding | undefined;
  #received = 0;

  constructor(source: AsyncIterable<Uint8Array>, coding: Coding | undefined) {
    this.#source = source;
    this.#coding = coding;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#coding === undefined) {
      yield* this.#source;
      return;
    }
    let inflated = 0;
    try {
      for await (const chunk of inflate(this.#counted(), this.#coding)) {
        inflated += chunk.length;
        if (inflated > freeBytes && inflated > this.#received * maxExpansion) {
          throw new AppError('payload_too_large', `The body expands to more than ${maxExpansion} times its size.`);
        }
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.failure = error;
    }
  }

  async *#counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.#received += chunk.length;
      yield chunk;
    }
  }
}
