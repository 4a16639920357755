import type { Component } from '@memory-layer/shared/lifecycle/component';
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
export class PendingSweeper implements Component {
  readonly id = 'pending-sweeper';
  readonly #deps: PendingSweeperDeps;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: PendingSweeperDeps) {
    this.#deps = deps;
  }

  /** The first sweep takes up what an earlier process left, without a grace period. */
  async start(): Promise<void> {
    await this.#sweep(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  async #sweep(graceMs: number): Promise<void> {
    const { repository, notifier, everyMs, logger } = this.#deps;
    try {
      const overdue = await repository.listOverdue(graceMs, tenantsPerSweep);
      for (const work of overdue) notifier.notify(work.tenantId, work.generation);
    } catch (error) {
      logger.warn({ err: error }, 'sweep failed');
    }
    if (this.#stopped) return;
    // A tenth more or less, so that many workers do not sweep in step.
    this.#timer = setTimeout(
      () => {
        this.#round = this.#sweepOverdue();
      },
      everyMs * (0.9 + Math.random() / 5),
    );
  }

  async #sweepOverdue(): Promise<void> {
    const { waitingJobs, everyMs } = this.#deps;
    // A queue that is away reports nothing, and its jobs may be gone.
    const waiting = await waitingJobs().catch(() => 0);
    await this.#sweep(waiting > 0 ? graceWhileJobsWaitMs : Math.min(everyMs, 1000));
  }
}
