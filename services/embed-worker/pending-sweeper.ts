import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingJobNotifier } from '@memory-layer/shared/queue/embedding-job-notifier';
import type { EmbeddingRepository } from './embedding.repository.ts';

export interface PendingSweeperDeps {
  readonly repository: Pick<EmbeddingRepository, 'listOverdue'>;
  readonly notifier: EmbeddingJobNotifier;
  /** Jobs that no worker has taken yet, as far as the queue knows. */
  readonly waitingJobs: () => Promise<number>;
  readonly everyMs: number;
  readonly logger: Logger;
}

const tenantsPerSweep = 500;

// While jobs wait, one of them is most likely for the tenant that waits: another would only make the queue longer.
const graceWhileJobsWaitMs = 10_000;

/**
 * Notifies for messages that are overdue: lost jobs, retries whose time has come, leases of workers that died.
 * A timer and not a repeatable job, because it has to work when the queue has forgotten everything.
 */
export function createPendingSweeper(deps: PendingSweeperDeps): Component {
  const { repository, notifier, waitingJobs, everyMs, logger } = deps;
  let isFirst = true;

  /** The first sweep takes up what an earlier process left, without a grace period. */
  async function graceMs(): Promise<number> {
    if (isFirst) return 0;
    // A queue that is away reports nothing, and its jobs may be gone.
    const waiting = await waitingJobs().catch(() => 0);
    return waiting > 0 ? graceWhileJobsWaitMs : Math.min(everyMs, 1000);
  }

  return createRepeatingTask({
    id: 'pending-sweeper',
    everyMs,
    run: async () => {
      const grace = await graceMs();
      isFirst = false;
      const overdue = await repository.listOverdue(grace, tenantsPerSweep);
      for (const work of overdue) notifier.notify(work.tenantId, work.generation);
    },
    onError: (error) => logger.warn({ err: error }, 'sweep failed'),
  });
}
