import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { batchOrIndividually, unwrap } from '@memory-layer/shared/batching/batch-or-individually';
import { diskFullError, isDiskFull } from '@memory-layer/shared/errors/disk-full';
import { isDatabaseUnavailable, isRefusedData } from '@memory-layer/shared/db/database-errors';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import { nothingStored } from '../../http/errors.ts';
import { costOfRow } from './message-row.ts';
import {
  costOf,
  isOfAnotherRequest,
  partsOf,
  type MessageWriteRepository,
  type WriteRequest,
  type WriteResult,
} from './message-write.repository.ts';

export interface MessageWriterOptions {
  readonly repository: Pick<MessageWriteRepository, 'write'>;
  /** Statements under way at a time. */
  readonly writers: number;
  /** Bytes of messages that may wait for a writer; beyond it requests are refused. A tenant may have a quarter of it. */
  readonly maxQueuedBytes: number;
  /** Rows of usual length that a flush has at most. Default 1024: they commit in some ten milliseconds. */
  readonly maxRowsPerFlush?: number;
  /**
   * Whether other tenants ask for anything. Given where one statement runs at a time: after a large one of a tenant they
   * have as long for theirs.
   */
  readonly hasOthers?: (tenantId: string) => boolean;
}

/** A message of a chat. */
const usualRowCost = costOfRow({ bytes: 128 });
// A statement costs as much as some ten rows: single messages are batched for one writer, batches go side by side.
const minParallelRows = 64;
/** Of each tenant in turn, where several wait: with a few of them a flush takes some milliseconds. */
const maxRowsPerTurn = 128;
const maxTenantShare = 1 / 4;
const reserveMs = 2000;
/** What has begun is ended, whatever the deadline of its request: but a later part does not begin after this time. */
const patienceMs = 60_000;

/** What became of a part of a request. */
export interface WrittenPart {
  readonly request: WriteRequest;
  /** An error when it was not written, although a part before it was. */
  readonly result: WriteResult | AppError;
}

/**
 * Writes the requests of many callers in batches: requests that arrive while a write is in flight go together in the
 * next statement. A request takes effect as a whole, or in parts when it is larger than a statement may be; a bad one
 * fails alone. Tenants take turns: the messages of one never wait for all that another has sent.
 */
export class MessageWriter {
  readonly #coalescer: Coalescer<WriteRequest, PromiseSettledResult<WriteResult>>;
  readonly #maxPartCost: number;

  constructor({ repository, writers, maxQueuedBytes, maxRowsPerFlush = 1024, hasOthers }: MessageWriterOptions) {
    this.#maxPartCost = maxRowsPerFlush * usualRowCost;
    this.#coalescer = new Coalescer({
      what: 'messages',
      // Only what the database refuses is looked for: when it is in trouble itself, all have failed.
      run: batchOrIndividually(repository.write, (error) => !isRefusedData(error)),
      weigh: queuedBytesOf,
      weighInBatch: costOf,
      maxBatchWeight: this.#maxPartCost,
      maxConcurrent: writers,
      minParallelWeight: minParallelRows * usualRowCost,
      maxQueuedWeight: maxQueuedBytes,
      fairness: {
        keyOf: tenantOf,
        maxQueuedWeightPerKey: maxQueuedBytes * maxTenantShare,
        quantum: Math.min(maxRowsPerTurn, maxRowsPerFlush) * usualRowCost,
        reserveMs,
        ...(hasOthers && { hasOthers }),
      },
      abortUnderWay: 'await',
    });
  }

  /** Bytes that wait for a writer; a small row counts as 1 KiB. */
  get queuedBytes(): number {
    return this.#coalescer.queuedWeight;
  }

  /**
   * Durable when it resolves. A request larger than a statement may be is written in parts, one after the other, so that
   * others have their turn in between.
   *
   * @param signal takes the request out of the queue. Once its first statement runs, the answer is what became of it.
   * @returns what became of each part, in the order of the rows. After one that failed none is written; only the first is
   * there when its key is another request's.
   * @throws AppError `unavailable` when too much waits, after `close`, or when the database is away: the error says
   * whether something may have been stored; `rate_limited` when too much of the tenant waits; the signal's reason. All of
   * them only when no part is written.
   */
  async write(request: WriteRequest, signal?: AbortSignal): Promise<readonly WrittenPart[]> {
    const [first = request, ...later] = partsOf(request, this.#maxPartCost);
    const result = await this.#writePart(first, signal);
    const written: WrittenPart[] = [{ request: first, result }];
    // Its key is another request's: nothing of this one may be written.
    if (later.length === 0 || isOfAnotherRequest(first, result)) return written;
    const patience = AbortSignal.timeout(patienceMs);
    let failed: AppError | undefined;
    for (const part of later) {
      const outcome = failed === undefined ? await this.#writeLater(part, patience) : notStored(failed);
      if (outcome instanceof AppError) failed ??= outcome;
      written.push({ request: part, result: outcome });
    }
    return written;
  }

  async #writePart(request: WriteRequest, signal: AbortSignal | undefined): Promise<WriteResult> {
    try {
      return unwrap(await this.#coalescer.submit(request, signal));
    } catch (error) {
      throw toWriteError(error);
    }
  }

  /** Waits for a place in the queue: others may have filled it since the first part. */
  async #writeLater(request: WriteRequest, signal: AbortSignal): Promise<WriteResult | AppError> {
    const retry = { signal, shouldRetry: isQueueFull, onRetry: () => undefined };
    try {
      return await retryUntilDone(() => this.#writePart(request, signal), retry);
    } catch (error) {
      if (error instanceof InDoubt) return error;
      if (error instanceof AppError || error === signal.reason) return notStored(error);
      throw error;
    }
  }

  /** Writes what has been taken; takes no more. */
  close(): Promise<void> {
    return this.#coalescer.close();
  }
}

/**
 * In whose queue a request waits: its tenant's. One with messages of several tenants, which only a key of all tenants can
 * send, waits with others like it: it must take nobody's turn.
 */
function tenantOf({ rows }: WriteRequest): string {
  const tenantId = rows[0]?.tenantId ?? '';
  return rows.every((row) => row.tenantId === tenantId) ? tenantId : '';
}

// A small row takes memory of its own.
const minRowBytes = 1024;

/** Bytes that a request holds while it waits. */
function queuedBytesOf({ rows }: WriteRequest): number {
  return rows.reduce((sum, row) => sum + Math.max(minRowBytes, row.bytes), 0);
}

function notStored(cause: unknown): AppError {
  const publicDetail = 'It was not stored; others of this request were. Send it again shortly.';
  return new AppError('unavailable', publicDetail, { cause, publicDetail, retryAfterSeconds: 1 });
}

/** It is not known whether something was stored. */
class InDoubt extends AppError {}

/** Whether a request never got to the database: only then it may be tried again without an external id. */
export function isQueueFull(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  return error.code === 'rate_limited' || (error.code === 'unavailable' && error.cause === undefined);
}

// SQLSTATE: 40 rolled back, 55P03 a lock was not to be had, 57014 the statement took too long; then what keeps a
// connection or a statement from beginning: 53 out of resources, 25006 read-only, and what `pg` and Node say of it.
const rolledBack = /^(40...|55P03|57014|53...|25006|ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/;
const notConnected = /timeout exceeded when trying to connect/i;

/**
 * The error that a caller gets for a write that failed. A connection that is lost while its statement runs leaves open
 * whether it was committed: PostgreSQL's documentation, "Reliability", and RFC 9110, section 9.2.2, on retries.
 */
function toWriteError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (isDiskFull(error)) return diskFullError(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (rolledBack.test(code) || notConnected.test(error.message)) {
    return nothingStored('the database did not take the messages', error);
  }
  if (!isDatabaseUnavailable(error)) return error;
  const publicDetail =
    'The database went away while it was storing this request, so its messages may be stored. Send it again under the ' +
    'same external_id or Idempotency-Key, and they are stored once.';
  return new InDoubt('unavailable', 'the database is away', { cause: error, publicDetail, retryAfterSeconds: 1 });
}
