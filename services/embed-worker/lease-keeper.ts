import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingRepository, LeasedBatch } from './embedding.repository.ts';

export interface LeaseKeeperDeps {
  readonly repository: Pick<EmbeddingRepository, 'extend'>;
  readonly leaseMs: number;
  readonly logger: Logger;
}

/**
 * Extends the leases of what is being worked on, three times in the length of a lease: a slow model or a slow database
 * does not let another worker begin the same. A worker that dies extends nothing, so its leases end as ever.
 */
export class LeaseKeeper {
  readonly #deps: LeaseKeeperDeps;
  readonly #held = new Set<LeasedBatch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps;
  }

  /** Keeps the leases of a batch while the work on it lasts. */
  async during<Result>(batch: LeasedBatch, work: () => Promise<Result>): Promise<Result> {
    this.#held.add(batch);
    this.#timer ??= setInterval(() => void this.#extend(), this.#deps.leaseMs / 3);
    try {
      return await work();
    } finally {
      this.#held.delete(batch);
      if (this.#held.size === 0) this.#stop();
    }
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #extend(): Promise<void> {
    const { repository, leaseMs, logger } = this.#deps;
    try {
      await repository.extend([...this.#held], leaseMs);
    } catch (error) {
      logger.warn({ err: error }, 'leases not extended');
    }
  }
}
