import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { batchOrIndividually, unwrap } from '@memory-layer/shared/batching/batch-or-individually';
import { isRefusedData } from '@memory-layer/shared/db/is-refused-data';
import type { MessageWriteRepository } from './message-write.repository.ts';
import { toWriteError } from './write-error.ts';
import { costOf, queuedBytesOf, rowCost, tenantOf, type WriteRequest, type WriteResult } from './write-request.ts';

export interface MessageWriterOptions {
  readonly repository: Pick<MessageWriteRepository, 'write'>;
  /** Statements under way at a time. */
  readonly writers: number;
  /** Bytes of messages that may wait for a writer; beyond it requests are refused. A tenant may have a quarter of it. */
  readonly maxQueuedBytes: number;
  /** Rows of usual length that a flush has at most. Default 1024: they commit in some ten milliseconds. */
  readonly maxRowsPerFlush?: number;
}

/** A message of a chat, with what its row costs. */
const usualRowCost = rowCost + 128;
// A statement costs as much as some ten rows: single messages gather for one writer, batches go side by side.
const minParallelRows = 64;
/** Of each tenant in turn, where several wait: with a few of them a flush takes some milliseconds. */
const maxRowsPerTurn = 128;
const maxTenantShare = 1 / 4;
const reserveMs = 2000;

/**
 * Writes the requests of many callers together: while a write is in flight, arriving requests gather; what has
 * gathered goes in one statement. Each request takes effect as a whole, and a bad one fails alone. Tenants take turns:
 * the messages of one never wait for all that another has sent.
 */
export class MessageWriter {
  readonly #coalescer: Coalescer<WriteRequest, PromiseSettledResult<WriteResult>>;

  constructor({ repository, writers, maxQueuedBytes, maxRowsPerFlush = 1024 }: MessageWriterOptions) {
    this.#coalescer = new Coalescer({
      what: 'messages',
      // Only what the database refuses is looked for: when it is in trouble itself, all have failed.
      run: batchOrIndividually(repository.write, (error) => !isRefusedData(error)),
      weigh: queuedBytesOf,
      weighInBatch: costOf,
      maxBatchWeight: maxRowsPerFlush * usualRowCost,
      maxConcurrent: writers,
      minParallelWeight: minParallelRows * usualRowCost,
      maxQueuedWeight: maxQueuedBytes,
      fairness: {
        keyOf: tenantOf,
        maxQueuedWeightPerKey: maxQueuedBytes * maxTenantShare,
        quantum: Math.min(maxRowsPerTurn, maxRowsPerFlush) * usualRowCost,
        reserveMs,
      },
      abortUnderWay: 'await',
    });
  }

  /** Bytes that wait for a writer; a small row counts as 1 KiB. */
  get queuedBytes(): number {
    return this.#coalescer.queuedWeight;
  }

  /**
   * Durable when it resolves.
   *
   * @param signal takes the request out of the queue. Once its statement runs, the answer is what became of it.
   * @throws AppError `unavailable` when too much waits, after `close`, or when the database is away: the error says
   * whether something may have been stored; `rate_limited` when too much of the tenant waits; the signal's reason.
   */
  async write(request: WriteRequest, signal?: AbortSignal): Promise<WriteResult> {
    try {
      return unwrap(await this.#coalescer.submit(request, signal));
    } catch (error) {
      throw toWriteError(error);
    }
  }

  /** Writes what has been taken; takes no more. */
  close(): Promise<void> {
    return this.#coalescer.close();
  }
}
