import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import type { EmbeddingJobNotifier } from '@memory-layer/shared/queue/embedding-job-notifier';
import type { EmbeddingFailure, NotRetried } from './embedding-failure.ts';
import type { EmbeddingFailureRepository } from './embedding-failure.repository.ts';

export interface EmbeddingFailureServiceDeps {
  readonly failures: EmbeddingFailureRepository;
  readonly notifier: EmbeddingJobNotifier;
  /** The generation that messages are searched by. */
  readonly activeGeneration: () => number;
  /** After so long, retrying all answers that some are left. */
  readonly retryBudgetMs: number;
}

export interface FailureListRequest {
  readonly tenantId: string;
  /** Where the page before ended: the id of its last message. */
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface RetryRequest {
  readonly tenantId: string;
  readonly requestId: string;
  /** Undefined: nothing is written to the audit log. */
  readonly audit: AuditOrigin | undefined;
}

export interface RetryAllOutcome {
  readonly retried: number;
  /** Some were not reached in time: ask again. */
  readonly remaining: boolean;
}

// Each batch is a transaction of its own: short locks, and a worker can begin with the first.
const batchSize = 2000;

export type EmbeddingFailureService = ReturnType<typeof createEmbeddingFailureService>;

/** What was given up, and giving it another try. */
export function createEmbeddingFailureService(deps: EmbeddingFailureServiceDeps) {
  const { failures, notifier, activeGeneration } = deps;

  return {
    /** A page of failed messages, the last stored first. */
    async list({ tenantId, cursor, limit, signal }: FailureListRequest) {
      const page = { tenantId, generation: activeGeneration(), before: cursor, limit: limit + 1, signal };
      const rows = await failures.list(page);
      const items: readonly EmbeddingFailure[] = rows.slice(0, limit);
      return { items, nextCursor: rows.length > limit ? items.at(-1)?.messageId : undefined };
    },

    /** Has these messages embedded again, where they are failed. Asking twice is asking once. */
    async retry(request: RetryRequest, messageIds: readonly string[]): Promise<NotRetried & { retried: number }> {
      const { tenantId, requestId } = request;
      const generation = activeGeneration();
      const asked = [...new Set(messageIds.map((id) => id.toLowerCase()))];
      const retried = new Set(await failures.retry({ tenantId, generation }, asked, request.audit));
      if (retried.size > 0) notifier.notify(tenantId, generation, requestId);
      const others = asked.filter((id) => !retried.has(id));
      const existing = new Set(others.length === 0 ? [] : await failures.findExisting(tenantId, others));
      return {
        retried: retried.size,
        notFound: others.filter((id) => !existing.has(id)),
        notFailed: others.filter((id) => existing.has(id)),
      };
    },

    /**
     * Has every failed message of a tenant embedded again, in batches. It goes from the newest to the oldest, so that
     * what fails again meanwhile is not met twice.
     */
    async retryAll({ tenantId, requestId, audit }: RetryRequest, signal: AbortSignal): Promise<RetryAllOutcome> {
      const generation = activeGeneration();
      const end = performance.now() + deps.retryBudgetMs;
      let retried = 0;
      let before: string | undefined;
      do {
        signal.throwIfAborted();
        const ids = await failures.listIds({ tenantId, generation, before, limit: batchSize, signal });
        const made = ids.length === 0 ? [] : await failures.retry({ tenantId, generation }, ids, audit);
        if (made.length > 0) notifier.notify(tenantId, generation, requestId);
        retried += made.length;
        if (ids.length < batchSize) return { retried, remaining: false };
        before = ids.at(-1);
      } while (performance.now() < end);
      return { retried, remaining: true };
    },
  };
}
