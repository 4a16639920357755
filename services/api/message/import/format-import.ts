import { TextDecoder } from 'node:util';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Slicer } from '../../http/time-slicer.ts';
import { layoutOf, type Sample } from './formats/detect-format.ts';
import { maxTextCharacters, type FormatReader, type ImportFormat, type ReaderOptions } from './formats/format.ts';
import { JsonSource, type Entry } from './formats/json-source.ts';
import { readLines, type InputLine } from './ndjson-lines.ts';

export interface FormatImportOptions extends Omit<ReaderOptions, 'sample'> {
  readonly maxLineBytes: number;
  readonly maxMetadataBytes: number;
  readonly slicer: Slicer;
}

/** Longest item of a document, names and values together. */
const maxItemCharacters = 4_194_304;
/** What the reader of a JSON source holds at most: an item, and the messages of a conversation. */
export const heldByJsonSource = 12_582_912;
const budgetMs = 4;
const sampleBytes = 65_536;

/** The beginning of the input, and all of it. */
export interface Peeked {
  readonly sample: Sample;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Reads enough of the input to detect its format.
 *
 * @param isLine whether one line is enough. A client that sends line by line waits for the answer to its first one.
 */
export async function peek(input: AsyncIterable<Uint8Array>, isLine: boolean): Promise<Peeked> {
  const chunks = input[Symbol.asyncIterator]();
  const begun: Uint8Array[] = [];
  let bytes = 0;
  let isWhole = false;
  while (bytes < sampleBytes) {
    const next = await chunks.next();
    if (next.done === true) {
      isWhole = true;
      break;
    }
    begun.push(next.value);
    bytes += next.value.length;
    if (isLine && hasLine(next.value)) break;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* begun.splice(0);
      for (;;) {
        const next = await chunks.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  const seen = Buffer.concat(begun).subarray(0, sampleBytes);
  // The last character may be cut. Bytes that are not UTF-8 are reported when they are read.
  const text = new TextDecoder('utf-8').decode(seen, { stream: true });
  return { sample: { text, isWhole: isWhole && bytes <= sampleBytes }, chunks: all() };
}

function hasLine(chunk: Uint8Array): boolean {
  const end = chunk.lastIndexOf(0x0a);
  return end !== -1 && Buffer.from(chunk.subarray(0, end)).toString('latin1').trim() !== '';
}

/** The messages of a source as lines of `POST /v1/messages/import`, with their places in the source. */
export async function* readFormat(
  { sample, chunks }: Peeked,
  format: ImportFormat,
  options: FormatImportOptions,
): AsyncGenerator<readonly InputLine[]> {
  const reader = format.reader({ ...options, sample: sample.text });
  const entries =
    format.source === 'text' ? readText(chunks, reader, options) : readJson(chunks, reader, format, sample, options);
  let number = 0;
  for await (const some of entries) {
    if (some.length > 0) yield some.map((entry) => toLine(entry, (number += 1)));
  }
}

function toLine({ place, result }: Entry, number: number): InputLine {
  if (result instanceof AppError) return { number, place, text: result };
  if ('skipped' in result) return { number, place, text: result };
  return { number, place, text: JSON.stringify(result) };
}

async function* readJson(
  chunks: AsyncIterable<Uint8Array>,
  reader: FormatReader,
  format: ImportFormat,
  sample: Sample,
  { slicer, maxMetadataBytes }: FormatImportOptions,
): AsyncGenerator<readonly Entry[]> {
  const source = new JsonSource({
    lists: format.lists,
    maxTextCharacters: maxTextCharacters + maxMetadataBytes,
    maxItemCharacters,
    layout: layoutOf(sample),
    reader,
  });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of chunks) {
    const text = decode(decoder, chunk);
    if (text instanceof AppError) {
      yield [{ place: {}, result: text }];
      return;
    }
    for (let at = 0; at < text.length;) {
      const from = at;
      const { at: reached, entries } = await slicer.run(() => source.read(text, from, budgetMs));
      at = reached;
      yield entries;
    }
    if (source.isOver) return;
  }
  yield await slicer.run(() => source.end());
}

function decode(decoder: TextDecoder, chunk: Uint8Array): string | AppError {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (error) {
    return new AppError('malformed_json', 'The source is not valid UTF-8.', { cause: error });
  }
}

async function* readText(
  chunks: AsyncIterable<Uint8Array>,
  reader: FormatReader,
  { slicer, maxLineBytes }: FormatImportOptions,
): AsyncGenerator<readonly Entry[]> {
  for await (const lines of readLines(chunks, maxLineBytes, slicer)) {
    const found = await slicer.map(lines, ({ number, text }) =>
      typeof text === 'string'
        ? toEntries(reader, number, text.endsWith('\r') ? text.slice(0, -1) : text)
        : [{ place: { line: number }, result: text }],
    );
    yield found.flat();
  }
  yield [...reader.take({ kind: 'end', path: [], fields: {} })].map(({ path, result }) => ({
    place: { line: Number(path[0]) },
    result,
  }));
}

function toEntries(reader: FormatReader, line: number, value: string): Entry[] {
  return [...reader.take({ kind: 'item', path: [line], value })].map(({ path, result }) => ({
    place: { line: Number(path[0]) },
    result,
  }));
}

/** Skips the first entries, which an earlier import has answered. */
export async function* skipLines(
  lines: AsyncIterable<readonly InputLine[]>,
  count: number,
): AsyncGenerator<readonly InputLine[]> {
  let left = count;
  for await (const some of lines) {
    const rest = some.slice(left);
    left = Math.max(0, left - some.length);
    if (rest.length > 0) yield rest;
  }
}
