import { allAborted } from '@memory-layer/shared/batching/all-aborted';
import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { togetherOrAlone, unwrap } from '@memory-layer/shared/batching/together-or-alone';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/is-database-unavailable';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddedBatch, EmbeddedMessage } from './complete-messages.ts';
import type { EmbeddingRepository } from './embedding.repository.ts';
import type { Lease } from './lease-messages.ts';
import type { LeaseRequest, TenantWork } from './lease-statement.ts';

export type GatheringRepository = ReturnType<typeof createGatheringRepository>;

/** A batch to write, and when nobody wants it written any more. */
interface Completion extends EmbeddedBatch {
  readonly signal: AbortSignal;
}

const tenantsAtOnce = 64;
/** Bounds a transaction: with 512 dimensions about a megabyte of vectors. */
const passagesAtOnce = 1024;

/**
 * Gathers what concurrent jobs ask of the database: while one statement leases for some tenants, what other jobs ask
 * goes together into the next, and so with what is completed. A job waits for its own part, and the consumer takes as
 * many jobs as it has places: so when the database is slow, fewer are taken.
 */
export function createGatheringRepository(repository: EmbeddingRepository, logger: Logger) {
  const leases = new Coalescer<LeaseRequest, Lease>({
    what: 'bells',
    run: (requests) => repository.lease(requests),
    maxBatchWeight: tenantsAtOnce,
    maxConcurrent: 1,
    maxQueuedWeight: Number.POSITIVE_INFINITY,
  });

  /** While the database is away the vectors are kept, and no attempt is lost, until the jobs are ended. */
  function completeWhenPossible(batches: readonly Completion[]): Promise<readonly number[]> {
    return retryUntilDone(() => repository.complete(batches), {
      signal: allAborted(batches.map(({ signal }) => signal)),
      shouldRetry: isDatabaseUnavailable,
      onRetry: (error, delayMs) => logger.warn({ err: error, delayMs: Math.round(delayMs) }, 'vectors wait'),
    });
  }

  const completions = new Coalescer<Completion, PromiseSettledResult<number>>({
    what: 'vectors',
    run: togetherOrAlone(completeWhenPossible, isDatabaseUnavailable),
    weigh: ({ messages }) => messages.reduce((sum, { vectors }) => sum + vectors.length, 0),
    maxBatchWeight: passagesAtOnce,
    maxConcurrent: 1,
    maxQueuedWeight: Number.POSITIVE_INFINITY,
  });

  return {
    ...repository,

    /** As the repository's, for one request. */
    lease(request: LeaseRequest): Promise<Lease> {
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
