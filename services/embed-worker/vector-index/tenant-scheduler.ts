import type { Clock } from '@memory-layer/shared/lifecycle/clock';

export interface TenantSchedulerOptions {
  readonly clock: Clock;
  /** Vectors written by this process after which a tenant is looked at without waiting for its turn. */
  readonly noteworthy: number;
  /** Tenants that have their turn in one round, beside the noteworthy ones. */
  readonly tenantsPerRound: number;
  /** How long a tenant is left alone after a failed build. */
  readonly pauseMs: number;
}

/**
 * Whose turn it is. Counting the vectors of every tenant again and again would cost more than it is worth: those that
 * this process has written much for come first, and a few others in every round, so that all of them come by in time
 * (written for by other processes, shrunk by deletion, or forgotten in a restart).
 */
export class TenantScheduler {
  readonly #options: TenantSchedulerOptions;
  readonly #written = new Map<string, number>();
  readonly #pausedUntil = new Map<string, number>();
  /** Those whose turn has come in the course of things. */
  readonly #due = new Set<string>();
  #cursor = '';

  constructor(options: TenantSchedulerOptions) {
    this.#options = options;
  }

  note(tenantId: string, vectors: number): void {
    this.#written.set(tenantId, (this.#written.get(tenantId) ?? 0) + vectors);
  }

  /** The tenants of this round. A tenant that is not reported on stays for the next round. */
  async next(listTenants: (afterTenantId: string, limit: number) => Promise<string[]>): Promise<string[]> {
    const { noteworthy, tenantsPerRound } = this.#options;
    if (this.#due.size < tenantsPerRound) {
      const page = await listTenants(this.#cursor, tenantsPerRound);
      // After the last one it begins again.
      this.#cursor = page.length < tenantsPerRound ? '' : (page.at(-1) ?? '');
      for (const tenantId of page) if (!this.#isPaused(tenantId)) this.#due.add(tenantId);
    }
    const noted = [...this.#written].filter(([, vectors]) => vectors >= noteworthy).toSorted((a, b) => b[1] - a[1]);
    const first = noted.map(([tenantId]) => tenantId).filter((tenantId) => !this.#isPaused(tenantId));
    return [...new Set([...first, ...this.#due])];
  }

  /** Nothing is left to do for this tenant. */
  done(tenantId: string): void {
    this.#written.delete(tenantId);
    this.#due.delete(tenantId);
  }

  /** Something was done, and there may be more: after the others. */
  again(tenantId: string): void {
    this.done(tenantId);
    this.#due.add(tenantId);
  }

  /** Something went wrong with this tenant. */
  pause(tenantId: string): void {
    this.done(tenantId);
    this.#pausedUntil.set(tenantId, this.#options.clock.now().getTime() + this.#options.pauseMs);
  }

  #isPaused(tenantId: string): boolean {
    const until = this.#pausedUntil.get(tenantId);
    if (until === undefined) return false;
    if (until > this.#options.clock.now().getTime()) return true;
    this.#pausedUntil.delete(tenantId);
    return false;
  }
}
