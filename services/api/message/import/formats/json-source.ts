import { AppError } from '@memory-layer/shared/errors/app-error';
import { toAppError } from '../../../http/errors.ts';
import type { FormatReader, Layout, Mapped, Path, Place } from './format.ts';
import { JsonWalker, type WalkerOptions } from './json-walker.ts';

export interface Entry {
  readonly place: Place;
  readonly result: Mapped['result'];
}

export interface JsonSourceOptions extends WalkerOptions {
  readonly layout: Layout;
  readonly reader: FormatReader;
}

/** Characters that are parsed between two looks at the clock. The place of an error is known to within as many. */
const charactersPerStep = 1024;

/** Reads the messages of JSON text, which comes in parts of any size. */
export class JsonSource {
  readonly #options: JsonSourceOptions;
  #walker: JsonWalker;
  #line = 1;
  /** The rest of a line that is not JSON is skipped, and so is the rest of a document. */
  #isBroken = false;
  #hasBegun = false;

  constructor(options: JsonSourceOptions) {
    this.#options = options;
    this.#walker = new JsonWalker(options);
  }

  /** Whether nothing more can be read. */
  get isOver(): boolean {
    return this.#isBroken && this.#options.layout === 'document';
  }

  /** Reads text from an offset on, for some milliseconds. @returns the offset that it reached, and the messages. */
  read(text: string, from: number, budgetMs: number): { readonly at: number; readonly entries: readonly Entry[] } {
    const entries: Entry[] = [];
    const until = performance.now() + budgetMs;
    let at = from;
    while (at < text.length && !this.isOver && performance.now() < until) {
      const step = text.slice(at, at + charactersPerStep);
      const lineEnd = step.indexOf('\n');
      const isLineOver = lineEnd !== -1;
      this.#step(isLineOver ? step.slice(0, lineEnd) : step, entries);
      if (isLineOver) this.#endLine(entries);
      at += isLineOver ? lineEnd + 1 : step.length;
    }
    return { at: this.isOver ? text.length : at, entries };
  }

  /** Ends the source. @returns the last messages. */
  end(): readonly Entry[] {
    const entries: Entry[] = [];
    if (this.#options.layout === 'lines') this.#endLine(entries);
    else if (!this.#isBroken) this.#finish(entries, 'The document ends before it is complete.');
    return entries;
  }

  #step(text: string, entries: Entry[]): void {
    if (this.#isBroken || (!this.#hasBegun && text.trim() === '')) return;
    this.#hasBegun = true;
    this.#push(text, entries);
  }

  #push(text: string, entries: Entry[]): void {
    const { reader } = this.#options;
    try {
      for (const piece of this.#walker.push(text)) {
        for (const { path, result } of reader.take(piece)) entries.push({ place: this.#placeOf(path), result });
      }
    } catch (error) {
      this.#isBroken = true;
      const failure = error instanceof AppError ? error : malformed(error, this.#line, this.#walker.path);
      if (toAppError(failure).status >= 500) throw failure;
      entries.push({ place: this.#placeOf(this.#walker.path), result: failure });
    }
  }

  #endLine(entries: Entry[]): void {
    if (this.#options.layout === 'document') {
      // A line break is whitespace between values.
      this.#step('\n', entries);
      this.#line += 1;
      return;
    }
    if (this.#hasBegun && !this.#isBroken) this.#finish(entries, 'The line ends before its JSON is complete.');
    this.#walker = new JsonWalker(this.#options);
    this.#isBroken = false;
    this.#hasBegun = false;
    this.#line += 1;
  }

  #finish(entries: Entry[], whenIncomplete: string): void {
    // A number at the end of the text is complete only with what follows it.
    this.#push('\n', entries);
    if (this.#isBroken || this.#walker.isComplete) return;
    const { path } = this.#walker;
    entries.push({ place: this.#placeOf(path), result: new AppError('malformed_json', whenIncomplete) });
  }

  #placeOf(path: Path): Place {
    const pointer = toPointer(path);
    if (this.#options.layout === 'document') return { pointer };
    return pointer === '' ? { line: this.#line } : { line: this.#line, pointer };
  }
}

function malformed(error: unknown, line: number, path: Path): AppError {
  const what = error instanceof Error ? error.message.replace('Parser cannot parse input: ', '') : 'not JSON';
  const where = path.length === 0 ? '' : `, after ${toPointer(path)}`;
  return new AppError('malformed_json', `Line ${line}${where}: the text is not valid JSON (${what}).`, {
    cause: error,
  });
}

const maxPointerPart = 128;

function toPointer(path: Path): string {
  return path
    .map((part) => {
      const name = String(part);
      const short = name.length <= maxPointerPart ? name : `${name.slice(0, maxPointerPart).toWellFormed()}…`;
      return `/${short.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    })
    .join('');
}
