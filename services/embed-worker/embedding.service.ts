import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import type { GuardedEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { EmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import { backoffMs } from '@memory-layer/shared/lifecycle/backoff';
import type { GatheringRepository } from './gathering-repository.ts';
import { isolateFailures, type IsolatedOutcome, type Prepared, type Refused } from './isolate-failures.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { LeasedMessage, TenantWork } from './lease-statement.ts';
import { splitMessage } from './split-message.ts';
import type { TenantTurns } from './tenant-turns.ts';

export interface EmbeddingServiceDeps {
  readonly repository: Omit<GatheringRepository, 'extend'>;
  readonly leases: LeaseKeeper;
  readonly turns: TenantTurns;
  /** For passages; guarded by a timeout and a circuit breaker. */
  readonly embedder: Embedder;
  /** The same without a cache: tells a broken embedder from a text that it cannot take. */
  readonly probe: GuardedEmbedder;
  readonly bell: EmbeddingBell;
  readonly batchSize: number;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  /** 0 up to 1: jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface EmbedOutcome {
  readonly leased: number;
  readonly embedded: number;
  readonly deferred: number;
  readonly retried: number;
  readonly failed: number;
}

// Bounds a job's work, so that it ends within its lease whatever the length of its messages.
const maxPassages = 512;

export type EmbeddingService = ReturnType<typeof createEmbeddingService>;

export function createEmbeddingService(deps: EmbeddingServiceDeps) {
  const { repository, embedder, logger, metrics } = deps;

  /** Messages that were leased too often without an outcome: whatever worked on them died each time. */
  async function giveUpExhausted(work: TenantWork, leased: readonly LeasedMessage[]): Promise<LeasedMessage[]> {
    const exhausted = leased.filter((message) => message.attempts > deps.maxAttempts);
    if (exhausted.length > 0) {
      await repository.fail(
        work,
        exhausted,
        `no outcome after ${deps.maxAttempts} attempts: the worker died or ran out of time`,
      );
    }
    return leased.filter((message) => message.attempts <= deps.maxAttempts);
  }

  async function prepare(message: LeasedMessage): Promise<Prepared> {
    try {
      const passages = await splitMessage(message, embedder);
      // Without a vector it would neither be completed nor pending.
      if (passages.length === 0) throw new AppError('embedding_rejected', 'The text has nothing to embed.');
      return { message, passages };
    } catch (error) {
      return { message, passages: [], splitError: error };
    }
  }

  /** Messages that were not at fault. Time that ran out is counted, so that what takes too long is taken alone. */
  async function giveBack(
    work: TenantWork,
    { deferred, deferReason }: IsolatedOutcome,
    signal: AbortSignal,
  ): Promise<void> {
    if (deferred.length === 0) return;
    if (isDeadline(signal)) return repository.retryLater(work, deferred, 0, 'the job ran out of time');
    if (signal.aborted) return repository.defer(work, deferred, 0, null);
    // Half to one and a half times the pause, so that workers do not come back in step.
    const delay = Math.round(deps.backoffMs * (0.5 + deps.random()));
    await repository.defer(work, deferred, delay, deferReason);
  }

  /** A message that fails by itself while the embedder works for others. */
  async function settleFailure(work: TenantWork, { message, error, reason, final }: Refused): Promise<boolean> {
    const isLast = final || message.attempts >= deps.maxAttempts;
    const fields = { ...work, messageId: message.messageId, attempts: message.attempts, err: error };
    if (isLast) {
      logger.error(fields, 'message cannot be embedded');
      await repository.fail(work, [message], reason);
    } else {
      logger.warn(fields, 'message not embedded: trying again later');
      const delay = backoffMs(message.attempts, deps.backoffMs, deps.random);
      await repository.retryLater(work, [message], delay, reason);
    }
    return isLast;
  }

  return {
    /**
     * Leases a batch of a tenant's due messages, embeds it and writes the vectors. When more are left, rings
     * again first, so that other workers join and tenants take turns. While the embedder's circuit is open,
     * leases nothing: the sweeper rings later. Nor while the tenant has its share of this process's places.
     *
     * @throws only when the database fails; the leases then end by themselves.
     */
    async embedDue(work: TenantWork, signal: AbortSignal): Promise<EmbedOutcome> {
      if (deps.probe.retryAfterMs() > 0) return countOutcome(metrics, {});
      if (!deps.turns.enter(work.tenantId)) return countOutcome(metrics, {});
      try {
        return await embedBatch(work, signal);
      } finally {
        if (deps.turns.leave(work.tenantId)) deps.bell.ring(work.tenantId, work.generation);
      }
    },
  };

  async function embedBatch(work: TenantWork, signal: AbortSignal): Promise<EmbedOutcome> {
    const lease = await repository.lease({ ...work, limit: deps.batchSize, leaseMs: deps.leaseMs });
    if (lease.messages.length > 0) metrics.embeddingBatchMessages.observe(lease.messages.length);
    if (lease.mayLeaveMore) deps.bell.ring(work.tenantId, work.generation);
    const { messages } = lease;
    return deps.leases.during({ work, messages }, () => embedLeased(work, messages, signal));
  }

  async function embedLeased(
    work: TenantWork,
    leased: readonly LeasedMessage[],
    signal: AbortSignal,
  ): Promise<EmbedOutcome> {
    const messages = await giveUpExhausted(work, leased);
    const exhausted = leased.length - messages.length;
    if (messages.length === 0) return countOutcome(metrics, { leased: leased.length, failed: exhausted });

    const { now, later } = takeWithin(await Promise.all(messages.map(prepare)), maxPassages);
    if (later.length > 0) {
      await repository.defer(work, later, 0, null);
      deps.bell.ring(work.tenantId, work.generation);
    }
    const outcome = await isolateFailures(now, { passages: embedder, probe: deps.probe }, signal);
    const written = outcome.embedded.length === 0 ? 0 : await repository.complete(work, outcome.embedded, signal);
    await giveBack(work, outcome, signal);
    let failed = exhausted;
    for (const refused of outcome.refused) {
      if (await settleFailure(work, refused)) failed += 1;
    }
    return countOutcome(metrics, {
      leased: leased.length,
      embedded: written,
      deferred: outcome.deferred.length + later.length,
      failed,
      retried: outcome.refused.length - (failed - exhausted),
    });
  }
}

/** Whether the job was ended because it took too long, not because the worker stops. */
function isDeadline({ reason }: AbortSignal): boolean {
  return reason instanceof AppError && reason.code === 'deadline_exceeded';
}

/** The messages, in order, whose passages fit the budget, at least one; and the rest, for another job. */
function takeWithin(prepared: readonly Prepared[], budget: number) {
  let used = 0;
  const overflow = prepared.findIndex(({ passages }, index) => {
    used += passages.length;
    return index > 0 && used > budget;
  });
  const cut = overflow === -1 ? prepared.length : overflow;
  return { now: prepared.slice(0, cut), later: prepared.slice(cut).map(({ message }) => message) };
}

function countOutcome(metrics: Metrics, counts: Partial<EmbedOutcome>): EmbedOutcome {
  const outcome = { leased: 0, embedded: 0, deferred: 0, retried: 0, failed: 0, ...counts };
  for (const name of ['embedded', 'deferred', 'retried', 'failed'] as const) {
    if (outcome[name] > 0) metrics.embeddingMessages.inc({ outcome: name }, outcome[name]);
  }
  return outcome;
}
