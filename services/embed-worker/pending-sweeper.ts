import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import type { EmbeddingRepository } from './embedding.repository.ts';

export interface PendingSweeperDeps {
  readonly repository: Pick<EmbeddingRepository, 'listOverdue'>;
  readonly bell: EmbeddingBell;
  /** Bells that nobody has heard yet, as far as the queue can tell. */
  readonly waitingBells: () => Promise<number>;
  readonly everyMs: number;
  readonly logger: Logger;
}

const tenantsPerSweep = 500;

// Who waits while bells wait has most likely one among them: ringing again would only make the queue longer.
const graceWhileBellsWaitMs = 10_000;

/**
 * Rings for whatever is due too long: lost bells, retries whose time has come, leases of workers that died.
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
    const { repository, bell, everyMs, logger } = this.#deps;
    try {
      const overdue = await repository.listOverdue(graceMs, tenantsPerSweep);
      for (const work of overdue) bell.ring(work.tenantId, work.generation);
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
    const { waitingBells, everyMs } = this.#deps;
    // A queue that is away tells nothing, and what it held may be gone.
    const waiting = await waitingBells().catch(() => 0);
    await this.#sweep(waiting > 0 ? graceWhileBellsWaitMs : Math.min(everyMs, 1000));
  }
}
