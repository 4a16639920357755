import { allAborted } from '@memory-layer/shared/batching/all-aborted';
import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { batchOrIndividually, unwrap } from '@memory-layer/shared/batching/batch-or-individually';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/database-errors';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingRepository } from './embedding.repository.ts';
import type { EmbeddedBatch, EmbeddedMessage, LeaseRequest, LeaseResult, TenantWork } from './lease.ts';

export interface BatchingWriterDeps {
  readonly repository: Pick<EmbeddingRepository, 'lease' | 'complete'>;
  /** Called after each commit, for each tenant in it. */
  readonly onWritten: (tenantId: string, messages: number) => void;
  readonly logger: Logger;
}

export type BatchingWriter = ReturnType<typeof createBatchingWriter>;

/** A batch to write, and when nobody wants it written any more. */
interface Completion extends EmbeddedBatch {
  readonly signal: AbortSignal;
}

const tenantsAtOnce = 64;
/** Bounds a transaction: with 512 dimensions about a megabyte of vectors. */
const passagesAtOnce = 1024;

/**
 * Batches the leases and vectors of concurrent jobs: while one statement is under way, the requests of other jobs wait
 * for the next one, and share it. A job waits for its own part, and the consumer takes as many jobs as it has places:
 * when the database is slow, it takes fewer.
 */
export function createBatchingWriter({ repository, onWritten, logger }: BatchingWriterDeps) {
  const leases = new Coalescer<LeaseRequest, LeaseResult>({
    what: 'leases',
    run: (requests) => repository.lease(requests),
    maxBatchWeight: tenantsAtOnce,
    maxConcurrent: 1,
    maxQueuedWeight: Number.POSITIVE_INFINITY,
  });

  async function complete(batches: readonly Completion[]): Promise<number[]> {
    const written = await repository.complete(batches);
    for (const [index, { work }] of batches.entries()) onWritten(work.tenantId, written[index] ?? 0);
    return written;
  }

  /** While the database is away the vectors are kept, and no attempt is lost, until the jobs are ended. */
  function completeWhenPossible(batches: readonly Completion[]): Promise<readonly number[]> {
    return retryUntilDone(() => complete(batches), {
      signal: allAborted(batches.map(({ signal }) => signal)),
      shouldRetry: isDatabaseUnavailable,
      onRetry: (error, delayMs) => logger.warn({ err: error, delayMs: Math.round(delayMs) }, 'vectors wait'),
    });
  }

  const completions = new Coalescer<Completion, PromiseSettledResult<number>>({
    what: 'vectors',
    run: batchOrIndividually(completeWhenPossible, isDatabaseUnavailable),
    weigh: ({ messages }) => messages.reduce((sum, { vectors }) => sum + vectors.length, 0),
    maxBatchWeight: passagesAtOnce,
    maxConcurrent: 1,
    maxQueuedWeight: Number.POSITIVE_INFINITY,
  });

  return {
    /** As the repository's, for one request. */
    lease(request: LeaseRequest): Promise<LeaseResult> {
      return leases.submit(request);
    },

    /**
     * As the repository's, for one batch, which is written also when the job was ended. While the database is away,
     * waits for it until the signal.
     *
     * @returns how many messages were written.
     */
    async complete(work: TenantWork, messages: readonly EmbeddedMessage[], signal: AbortSignal): Promise<number> {
      return unwrap(await completions.submit({ work, messages, signal }));
    },
  };
}
