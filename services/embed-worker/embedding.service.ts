import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import type { GuardedEmbedder } from '@memory-layer/shared/embedding/guarded-embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { EmbeddingJobNotifier } from '@memory-layer/shared/queue/embedding-job-notifier';
import { backoffMs } from '@memory-layer/shared/lifecycle/retry';
import type { BatchingWriter } from './batching-writer.ts';
import type { EmbeddingRepository } from './embedding.repository.ts';
import { isolateFailures, type IsolatedOutcome, type Refused } from './isolate-failures.ts';
import type { LeaseRenewer } from './lease-renewer.ts';
import { estimateLeasedTokens, type LeasedMessage, type TenantWork } from './lease.ts';
import { LeasedWork } from './leased-work.ts';
import type { TenantJobLimiter } from './tenant-job-limiter.ts';
import { PoisonSuspects } from './poison-suspects.ts';
import { UnfinishedMessages } from './unfinished-messages.ts';

export interface EmbeddingServiceDeps {
  readonly repository: Pick<EmbeddingRepository, 'defer' | 'retryLater' | 'fail'>;
  readonly writer: BatchingWriter;
  readonly leaseRenewer: LeaseRenewer;
  readonly limiter: TenantJobLimiter;
  /** For passages; guarded by a timeout and a circuit breaker. */
  readonly embedder: Embedder;
  /** The same without a cache: distinguishes a broken embedder from a text that it cannot take. */
  readonly probe: GuardedEmbedder;
  readonly notifier: EmbeddingJobNotifier;
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

/** Holds the vectors of one message of any length, and of many ordinary ones. */
const unfinishedBytes = 64 * 1024 * 1024;

export type EmbeddingService = ReturnType<typeof createEmbeddingService>;

export function createEmbeddingService(deps: EmbeddingServiceDeps) {
  const { repository, writer, embedder, logger, metrics } = deps;
  const unfinished = new UnfinishedMessages(unfinishedBytes);
  const poisonSuspects = new PoisonSuspects();

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

  /**
   * Messages that were not at fault. Time that ran out is counted, so that what takes too long is taken alone; but not
   * for a message that got on, which another job finishes.
   */
  async function giveBack(work: TenantWork, leased: LeasedWork, reason: string, signal: AbortSignal): Promise<number> {
    const messages = leased.open;
    if (messages.length === 0) return 0;
    if (isDeadline(signal)) {
      const { advanced, idle } = leased.byProgress();
      if (advanced.length > 0) await repository.defer(work, advanced, undefined, null);
      if (idle.length > 0) await repository.retryLater(work, idle, 0, 'the job ran out of time');
      deps.notifier.notify(work.tenantId, work.generation);
    } else if (signal.aborted) await repository.defer(work, messages, undefined, null);
    else {
      // Half to one and a half times the pause, so that workers do not come back in step.
      const delay = Math.round(deps.backoffMs * (0.5 + deps.random()));
      await repository.defer(work, messages, delay, reason);
    }
    return messages.length;
  }

  /** A message that fails by itself while the embedder works for others. @returns whether it was the last attempt. */
  async function settleFailure(work: TenantWork, { message, error, reason, final }: Refused): Promise<boolean> {
    const isLast = final || message.attempts >= deps.maxAttempts;
    const fields = { ...work, messageId: message.messageId, attempts: message.attempts, err: error };
    if (isLast) {
      logger.error(fields, 'message cannot be embedded');
      unfinished.forget(work, message);
      await repository.fail(work, [message], reason);
    } else {
      logger.warn(fields, 'message not embedded: trying again later');
      const delay = backoffMs(message.attempts, deps.backoffMs, deps.random);
      await repository.retryLater(work, [message], delay, reason);
    }
    return isLast;
  }

  /** Those whose call ran out of time again, though the embedder worked meanwhile, are at fault themselves. */
  function refusedAfterTimeouts(work: TenantWork, { timedOut, deferReason }: IsolatedOutcome): Refused[] {
    return poisonSuspects.addTimeouts(work, timedOut, deps.probe.successes).map((message) => ({
      message,
      error: new AppError('embedding_unavailable', deferReason),
      reason: deferReason,
      final: false,
    }));
  }

  return {
    /**
     * Leases a batch of a tenant's due messages, embeds it and writes the vectors. When more are left, notifies
     * again first, so that other workers join and tenants take turns. While the embedder's circuit is open,
     * leases nothing: the sweeper notifies later. Nor while the tenant has its share of this process.
     *
     * @throws only when the database fails; the leases then end by themselves.
     */
    async embedDue(work: TenantWork, signal: AbortSignal): Promise<EmbedOutcome> {
      if (deps.probe.retryAfterMs() > 0) return countOutcome(metrics, {});
      if (!deps.limiter.enter(work.tenantId)) return countOutcome(metrics, {});
      let tokens = 0;
      try {
        const tokenBudget = deps.limiter.leaseTokens;
        const lease = await writer.lease({ ...work, limit: deps.batchSize, tokenBudget, leaseMs: deps.leaseMs });
        const { messages, mayLeaveMore } = lease;
        tokens = messages.reduce((sum, message) => sum + estimateLeasedTokens(message), 0);
        deps.limiter.hold(work.tenantId, tokens);
        if (messages.length > 0) metrics.embeddingBatchMessages.observe(messages.length);
        if (mayLeaveMore) deps.notifier.notify(work.tenantId, work.generation);
        return await deps.leaseRenewer.during({ work, messages }, () => embedLeased(work, messages, signal));
      } finally {
        if (deps.limiter.leave(work.tenantId, tokens)) deps.notifier.notify(work.tenantId, work.generation);
      }
    },
  };

  /** Round by round, each of a bounded size: a long message lets others have their turn, and keeps what is done of it. */
  async function embedLeased(
    work: TenantWork,
    leased: readonly LeasedMessage[],
    signal: AbortSignal,
  ): Promise<EmbedOutcome> {
    const messages = await giveUpExhausted(work, leased);
    let failed = leased.length - messages.length;
    let retried = 0;
    const own = new LeasedWork(messages, (message) => unfinished.find(work, message));
    const writes: Promise<number>[] = [];
    let deferReason: string | undefined;
    while (own.open.length > 0 && deferReason === undefined) {
      const outcome = await isolateFailures(
        await own.nextRound(embedder, signal),
        { passages: embedder, probe: deps.probe, onProgress: (message) => own.markAdvanced(message) },
        signal,
      );
      const finished = own.advance(outcome.embedded);
      if (finished.length > 0) writes.push(complete(work, finished, signal));
      for (const refused of [...outcome.refused, ...refusedAfterTimeouts(work, outcome)]) {
        keepProgress(work, own, refused.message);
        own.drop(refused.message);
        if (await settleFailure(work, refused)) failed += 1;
        else retried += 1;
      }
      if (outcome.deferred.length > 0) deferReason = outcome.deferReason;
    }
    for (const message of own.open) keepProgress(work, own, message);
    const written = await Promise.all(writes);
    const deferred = await giveBack(work, own, deferReason ?? '', signal);
    const embedded = written.reduce((sum, count) => sum + count, 0);
    return countOutcome(metrics, { leased: leased.length, embedded, deferred, failed, retried });
  }

  function keepProgress(work: TenantWork, own: LeasedWork, message: LeasedMessage): void {
    unfinished.keep(work, message, own.progressOf(message));
  }

  /** Not waited for at once: the next round is computed meanwhile. */
  function complete(...args: Parameters<typeof writer.complete>): Promise<number> {
    const [work, messages] = args;
    for (const message of messages) {
      unfinished.forget(work, message);
      poisonSuspects.forget(work, message);
    }
    const written = writer.complete(...args);
    // The caller that awaits all of them gets the error.
    written.catch(() => undefined);
    return written;
  }
}

/** Whether the job was ended because it took too long, not because the worker stops. */
function isDeadline({ reason }: AbortSignal): boolean {
  return reason instanceof AppError && reason.code === 'deadline_exceeded';
}

function countOutcome(metrics: Metrics, counts: Partial<EmbedOutcome>): EmbedOutcome {
  const outcome = { leased: 0, embedded: 0, deferred: 0, retried: 0, failed: 0, ...counts };
  for (const name of ['embedded', 'deferred', 'retried', 'failed'] as const) {
    if (outcome[name] > 0) metrics.embeddingMessages.inc({ outcome: name }, outcome[name]);
  }
  return outcome;
}
