import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingRepository } from './embedding.repository.ts';
import type { LeasedBatch } from './lease.ts';

export interface LeaseRenewerDeps {
  readonly repository: Pick<EmbeddingRepository, 'renew'>;
  readonly leaseMs: number;
  readonly logger: Logger;
}

/**
 * Renews the leases of the messages under way, three times in the length of a lease: a slow model or a slow database
 * does not let another worker begin the same messages. A worker that dies renews nothing, and its leases expire.
 */
export class LeaseRenewer {
  readonly #deps: LeaseRenewerDeps;
  readonly #held = new Set<LeasedBatch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LeaseRenewerDeps) {
    this.#deps = deps;
  }

  /** Renews the leases of a batch while the work on it lasts. */
  async during<Result>(batch: LeasedBatch, work: () => Promise<Result>): Promise<Result> {
    this.#held.add(batch);
    this.#timer ??= setInterval(() => void this.#renew(), this.#deps.leaseMs / 3);
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

  async #renew(): Promise<void> {
    const { repository, leaseMs, logger } = this.#deps;
    try {
      await repository.renew([...this.#held], leaseMs);
    } catch (error) {
      logger.warn({ err: error }, 'leases not renewed');
    }
  }
}
