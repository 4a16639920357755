import { AppError } from '@memory-layer/shared/errors/app-error';

export interface ConcurrencyLimits {
  /** Cost units of one tenant at a time. A request that costs more is let in when nothing else of its tenant runs. */
  readonly perTenant: number;
  /**
   * Where others asked within the last minute, a tenant has no more than an equal part of this, in cost units: it is
   * divided by the number of tenants that asked within the last second.
   */
  readonly shared: number;
  /** Requests of one tenant that may wait. */
  readonly queuePerTenant: number;
  /** Cost units of all tenants at a time. */
  readonly total: number;
  /** Requests of all tenants that may wait. */
  readonly queueTotal: number;
}

/** Why a request was not let in: one of the queues was full, or it waited until its deadline or its client's end. */
export type RefusalReason = 'tenant_queue_full' | 'queue_full' | 'deadline' | 'client_gone';

export interface LimiterObserver {
  /** Requests that wait, after each change. */
  readonly waiting: (requests: number) => void;
  readonly refused: (reason: RefusalReason) => void;
}

/** Gives back what was acquired; harmless when called again. */
export type Release = () => void;

interface Waiting {
  readonly units: number;
  readonly admit: () => void;
}

interface Tenant {
  readonly id: string;
  /** Requests that run, and their units together. */
  running: number;
  units: number;
  readonly waiting: Set<Waiting>;
  /** Units that it may still take in this round of the tenants. */
  deficit: number;
}

const retryAfterSeconds = 1;
// A tenant that waits for its answers asks again sooner.
const activeMs = 1000;
const aloneMs = 60_000;
// More than one is remembered with each request, so that they become fewer.
const forgottenPerRequest = 4;
// What a tenant may take in one round: an ordinary request. A costlier one waits for as many rounds as it has units.
const quantum = 1;

/**
 * How much work of each tenant runs at a time. Requests of one tenant are let in in their order. A tenant has the whole of
 * its limit while it is alone, and a share beside others. Where the process is the limit, tenants take turns
 * by deficit round robin (Shreedhar and Varghese, 1995), each with as many cost units in the long run. There is no timer.
 */
export class TenantConcurrencyLimiter {
  readonly #limits: ConcurrencyLimits;
  readonly #observer: LimiterObserver;
  readonly #tenants = new Map<string, Tenant>();
  /** Tenants below their own limit that wait for the process; the next to be looked at comes first. */
  readonly #round = new Set<Tenant>();
  /** The first of them, once it was given what it may take in this round. */
  #turn: Tenant | undefined;
  /** When each tenant asked that is active, in that order. */
  readonly #active = new Map<string, number>();
  #last = { tenantId: '', at: Number.NEGATIVE_INFINITY };
  /** When somebody else than the last one asked. */
  #otherAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;
  #units = 0;
  #running = 0;
  #waiting = 0;

  /** @param now in milliseconds. */
  constructor(limits: ConcurrencyLimits, observer: LimiterObserver, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#limits = limits;
    this.#observer = observer;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Tenants of which something runs or waits. */
  get tenants(): number {
    return this.#tenants.size;
  }

  /** Tenants whose latest request is remembered: those of the last second, and some that are still to be forgotten. */
  get remembered(): number {
    return this.#active.size;
  }

  /** Whether another tenant asked within the last second. */
  hasOthers(tenantId: string): boolean {
    this.#forget(this.#now(), this.#active.size);
    return this.#active.size > (this.#active.has(tenantId) ? 1 : 0);
  }

  /**
   * Lets a request in, at once or in its turn.
   *
   * @param signal asked for only when the request has to wait, which it ends.
   * @throws AppError `rate_limited` when too many of its tenant wait, `unavailable` when too many wait in all; the
   * signal's reason.
   */
  acquire(tenantId: string, units: number, signal: () => AbortSignal): Release | Promise<Release> {
    const tenant = this.#tenants.get(tenantId) ?? {
      id: tenantId,
      running: 0,
      units: 0,
      waiting: new Set(),
      deficit: 0,
    };
    this.#note(tenantId);
    const weight = Math.min(units, this.#limits.perTenant, this.#limits.total);
    const isFirst = tenant.waiting.size === 0 && this.#round.size === 0;
    if (isFirst && this.#fitsTenant(tenant, weight) && this.#fitsTotal(weight)) return this.#start(tenant, weight);
    if (tenant.waiting.size >= this.#limits.queuePerTenant) {
      this.#observer.refused('tenant_queue_full');
      const message = `${tenant.waiting.size} requests of this tenant are waiting already.`;
      throw new AppError('rate_limited', message, { retryAfterSeconds });
    }
    if (this.#waiting >= this.#limits.queueTotal) {
      this.#observer.refused('queue_full');
      throw new AppError('unavailable', 'too many requests are waiting', { retryAfterSeconds });
    }
    return this.#wait(tenant, weight, signal());
  }

  #wait(tenant: Tenant, units: number, signal: AbortSignal): Promise<Release> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener('abort', abort);
        tenant.waiting.delete(waiting);
        this.#count(-1);
      };
      const abort = (): void => {
        leave();
        const isLate = signal.reason instanceof AppError && signal.reason.code === 'deadline_exceeded';
        this.#observer.refused(isLate ? 'deadline' : 'client_gone');
        reject(signal.reason);
        this.#settle(tenant);
      };
      const waiting: Waiting = {
        units,
        admit: () => {
          leave();
          resolve(this.#start(tenant, units));
        },
      };
      this.#tenants.set(tenant.id, tenant);
      tenant.waiting.add(waiting);
      this.#count(1);
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#settle(tenant);
    });
  }

  #start(tenant: Tenant, units: number): Release {
    this.#tenants.set(tenant.id, tenant);
    tenant.running += 1;
    tenant.units += units;
    this.#running += 1;
    this.#units += units;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      tenant.running -= 1;
      tenant.units -= units;
      this.#running -= 1;
      this.#units -= units;
      this.#settle(tenant);
    };
  }

  /** After each change of a tenant: whether it takes part in the turns, or is to be forgotten; and who is next. */
  #settle(tenant: Tenant): void {
    const [next] = tenant.waiting;
    if (next === undefined || !this.#fitsTenant(tenant, next.units)) {
      this.#round.delete(tenant);
      if (this.#turn === tenant) this.#turn = undefined;
    } else if (!this.#round.has(tenant)) {
      // What it runs already it has had before its turn.
      tenant.deficit = -tenant.units;
      this.#round.add(tenant);
    }
    if (tenant.running === 0 && tenant.waiting.size === 0) this.#tenants.delete(tenant.id);
    this.#admitNext();
  }

  #admitNext(): void {
    // Turns are not counted while nobody can take one.
    if (this.#running > 0 && this.#units >= this.#limits.total) return;
    for (let [tenant] = this.#round; tenant !== undefined; [tenant] = this.#round) {
      if (this.#turn !== tenant) {
        this.#turn = tenant;
        tenant.deficit += quantum;
      }
      const [next] = tenant.waiting;
      if (next !== undefined && next.units <= tenant.deficit && this.#fitsTenant(tenant, next.units)) {
        // It is its turn: what comes free is for this request, however small others are.
        if (!this.#fitsTotal(next.units)) return;
        tenant.deficit -= next.units;
        next.admit();
      } else {
        this.#turn = undefined;
        this.#round.delete(tenant);
        // To the end of the round.
        if (next !== undefined && this.#fitsTenant(tenant, next.units)) this.#round.add(tenant);
      }
    }
  }

  #fitsTenant(tenant: Tenant, units: number): boolean {
    return tenant.running === 0 || tenant.units + units <= this.#shareOf(tenant.id);
  }

  #note(tenantId: string): void {
    const at = this.#now();
    this.#active.delete(tenantId);
    this.#active.set(tenantId, at);
    this.#forget(at, forgottenPerRequest);
    if (this.#last.tenantId !== tenantId) this.#otherAt = this.#last.at;
    this.#last = { tenantId, at };
  }

  #shareOf(tenantId: string): number {
    const { perTenant, shared } = this.#limits;
    const now = this.#now();
    const otherAt = this.#last.tenantId === tenantId ? this.#otherAt : this.#last.at;
    if (otherAt < now - aloneMs) return perTenant;
    this.#forget(now, this.#active.size);
    return Math.min(perTenant, shared / Math.max(1, this.#active.size));
  }

  /** Forgets the tenants that are no longer active, at most this many. */
  #forget(now: number, max: number): void {
    let left = max;
    for (const [id, at] of this.#active) {
      if (at >= now - activeMs || left === 0) return;
      this.#active.delete(id);
      left -= 1;
    }
  }

  #fitsTotal(units: number): boolean {
    return this.#running === 0 || this.#units + units <= this.#limits.total;
  }

  #count(change: 1 | -1): void {
    this.#waiting += change;
    this.#observer.waiting(this.#waiting);
  }
}
