import type { Throughput } from './embedder/throughput.ts';

interface TenantJobs {
  running: number;
  /** Estimated tokens that its jobs hold. */
  tokens: number;
  refused: boolean;
}

/** A lease should keep the model busy for this long, so that places are free again soon. */
const leaseWorkMs = 500;
/** What a lease may have however slow the model is: 64 messages of some 190 characters. */
const minLeaseTokens = 4096;
/** Leases' worth of tokens that one tenant may hold in a process. More would wait here instead of in the database. */
const leasesPerTenant = 4;

/**
 * Keeps one tenant from taking all places of this process, or all of its memory. It refuses jobs beyond a tenant's
 * share, and reports a refusal when one of the other jobs ends, so that the worker can be notified again. Places stay free
 * for other tenants.
 */
export class TenantJobLimiter {
  readonly #places: number;
  readonly #throughput: Pick<Throughput, 'tokensIn'>;
  readonly #tenants = new Map<string, TenantJobs>();

  /**
   * @param concurrency jobs that this process runs at once; a tenant gets three quarters of them.
   * @param throughput what the model does.
   */
  constructor(concurrency: number, throughput: Pick<Throughput, 'tokensIn'>) {
    this.#places = Math.ceil(concurrency * 0.75);
    this.#throughput = throughput;
  }

  /** Estimated tokens that a job should lease. */
  get leaseTokens(): number {
    return Math.max(minLeaseTokens, this.#throughput.tokensIn(leaseWorkMs) ?? 0);
  }

  /** Whether the tenant may begin a job; every `true` needs a {@link leave}. */
  enter(tenantId: string): boolean {
    const jobs = this.#tenants.get(tenantId) ?? { running: 0, tokens: 0, refused: false };
    if (jobs.running >= this.#places || jobs.tokens >= this.leaseTokens * leasesPerTenant) {
      jobs.refused = true;
      return false;
    }
    jobs.running += 1;
    this.#tenants.set(tenantId, jobs);
    return true;
  }

  /** What a job of the tenant has leased, until it leaves. */
  hold(tenantId: string, tokens: number): void {
    const jobs = this.#tenants.get(tenantId);
    if (jobs !== undefined) jobs.tokens += tokens;
  }

  /**
   * @param tokens what the job held.
   * @returns whether a job of the tenant was refused meanwhile; reported once.
   */
  leave(tenantId: string, tokens: number): boolean {
    const jobs = this.#tenants.get(tenantId);
    if (jobs === undefined) return false;
    const { refused } = jobs;
    jobs.refused = false;
    jobs.running -= 1;
    jobs.tokens -= tokens;
    if (jobs.running === 0) this.#tenants.delete(tenantId);
    return refused;
  }
}
