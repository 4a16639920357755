import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { togetherOrAlone, unwrap } from '@memory-layer/shared/batching/together-or-alone';
import { isRefusedData } from '@memory-layer/shared/db/is-refused-data';
import type { MessageWriteRepository } from './message-write.repository.ts';
import type { WriteRequest, WriteResult } from './write-request.ts';

export interface MessageWriterOptions {
  readonly repository: Pick<MessageWriteRepository, 'write'>;
  /** Statements under way at a time. */
  readonly writers: number;
  /** Bytes of messages that may wait for a writer; beyond it requests are refused. */
  readonly maxQueuedBytes: number;
}

/** Rows of a flush are few enough to commit in some ten milliseconds, and their bytes to be one statement. */
const maxRowsPerFlush = 1024;
const maxBytesPerFlush = 4_194_304;
// A statement costs as much as some ten rows: single messages gather for one writer, batches go side by side.
const minParallelRows = 64;
// A small row weighs as much as makes the two limits one.
const leastRowBytes = maxBytesPerFlush / maxRowsPerFlush;

/**
 * Writes the requests of many callers together: while a write is in flight, arriving requests gather; what has
 * gathered goes in one statement. Each request takes effect as a whole, and a bad one fails alone.
 */
export class MessageWriter {
  readonly #coalescer: Coalescer<WriteRequest, PromiseSettledResult<WriteResult>>;

  constructor({ repository, writers, maxQueuedBytes }: MessageWriterOptions) {
    this.#coalescer = new Coalescer({
      what: 'messages',
      // Only what the database refuses is looked for: when it is in trouble itself, all have failed.
      run: togetherOrAlone(repository.write, (error) => !isRefusedData(error)),
      weigh: weightOf,
      maxBatchWeight: maxBytesPerFlush,
      maxConcurrent: writers,
      minParallelWeight: minParallelRows * leastRowBytes,
      maxQueuedWeight: maxQueuedBytes,
    });
  }

  /** Bytes that wait for a writer; a small row counts as 4 KiB. */
  get queuedBytes(): number {
    return this.#coalescer.queuedWeight;
  }

  /**
   * Durable when it resolves.
   *
   * @throws AppError `unavailable` when too much waits, or after `close`; the signal's reason; the database's error.
   */
  async write(request: WriteRequest, signal?: AbortSignal): Promise<WriteResult> {
    return unwrap(await this.#coalescer.submit(request, signal));
  }

  /** Writes what has been taken; takes no more. */
  close(): Promise<void> {
    return this.#coalescer.close();
  }
}

function weightOf({ rows }: WriteRequest): number {
  return rows.reduce((sum, row) => sum + Math.max(leastRowBytes, Buffer.byteLength(row.content)), 0);
}
