import { AppError } from '@memory-layer/shared/errors/app-error';
import type { BodyReservation } from '../../cost/body-memory.ts';
import type { Slicer } from '../../http/time-slicer.ts';
import { invalidRequest } from '../../http/validation-hook.ts';
import { importFormats, ownFormat } from './formats/catalog.ts';
import { detectFormat } from './formats/detect-format.ts';
import type { ImportFormat } from './formats/format.ts';
import { heldByJsonSource, peek, readFormat, type Peeked } from './format-import.ts';
import type { ImportQuery } from './import-query.ts';
import { readLines, type InputLine } from './ndjson-lines.ts';

export interface SourceOptions {
  readonly maxLineBytes: number;
  readonly maxMetadataBytes: number;
  readonly slicer: Slicer;
  readonly memory: BodyReservation;
  /** Whether the answer begins before the whole body has come. The format is then detected by the first line. */
  readonly isLive: boolean;
  /** Whether the key is bound to no tenant. */
  readonly needsTenant: boolean;
}

/** The messages to import, as lines of our own format. */
export interface ImportSource {
  /** The name of its format. */
  readonly format: string;
  readonly lines: AsyncIterable<readonly InputLine[]>;
}

/**
 * Detects the format of the body and opens it.
 *
 * @throws AppError `invalid_request` when the format is not recognised, or needs a parameter that is missing. For a body
 *   that comes line by line, the error is its only outcome.
 */
export async function openSource(
  chunks: AsyncIterable<Uint8Array>,
  query: ImportQuery,
  options: SourceOptions,
): Promise<ImportSource> {
  const { format: asked = 'auto' } = query;
  const { maxLineBytes, slicer, isLive } = options;
  if (asked === ownFormat) return { format: ownFormat, lines: readLines(chunks, maxLineBytes, slicer) };
  const named = importFormats.get(asked);
  if (named !== undefined) {
    check(named, query, options);
    return { format: named.name, lines: readLater(chunks, named, query, options) };
  }
  if (isLive && query.format === undefined) return detectLater(chunks, query, options);
  const peeked = await peek(chunks, isLive);
  const found = detectFormat(peeked.sample);
  return { format: found?.name ?? ownFormat, lines: readPeeked(peeked, found, query, options) };
}

async function* readLater(
  chunks: AsyncIterable<Uint8Array>,
  format: ImportFormat,
  query: ImportQuery,
  options: SourceOptions,
): AsyncGenerator<readonly InputLine[]> {
  yield* readPeeked(await peek(chunks, options.isLive), format, query, options);
}

function detectLater(chunks: AsyncIterable<Uint8Array>, query: ImportQuery, options: SourceOptions): ImportSource {
  const source = { format: ownFormat as string, lines: detectAndRead() };
  async function* detectAndRead(): AsyncGenerator<readonly InputLine[]> {
    const peeked = await peek(chunks, true);
    try {
      const found = detectFormat(peeked.sample, ownFormat);
      source.format = found?.name ?? ownFormat;
      yield* readPeeked(peeked, found, query, options);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      yield [{ number: 1, text: error }];
    }
  }
  return source;
}

/** @param format undefined is our own. */
function readPeeked(
  peeked: Peeked,
  format: ImportFormat | undefined,
  query: ImportQuery,
  options: SourceOptions,
): AsyncIterable<readonly InputLine[]> {
  const { maxLineBytes, maxMetadataBytes, slicer } = options;
  if (format === undefined) return readLines(peeked.chunks, maxLineBytes, slicer);
  check(format, query, options);
  if (format.source === 'json') options.memory.grow(heldByJsonSource);
  const { conversation_id: conversationId, timezone, date_order: dateOrder } = query;
  return readFormat(peeked, format, { conversationId, timezone, dateOrder, maxLineBytes, maxMetadataBytes, slicer });
}

function check(format: ImportFormat, query: ImportQuery, { needsTenant }: SourceOptions): void {
  const errors = [];
  if (needsTenant && query.tenant_id === undefined) {
    errors.push({
      in: 'query',
      pointer: '/tenant_id',
      detail: 'is required: this key is not bound to a tenant',
    } as const);
  }
  if (format.namesConversations === 'never' && query.conversation_id === undefined) {
    const detail = `is required: a source of the format ${format.name} does not name its conversation`;
    errors.push({ in: 'query', pointer: '/conversation_id', detail } as const);
  }
  if (errors.length > 0) throw invalidRequest(errors);
}
