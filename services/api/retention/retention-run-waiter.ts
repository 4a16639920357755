import type { Logger } from '@memory-layer/shared/observability/logger';
import type { RetentionRunRepository } from './retention-run.repository.ts';
import type { RetentionRun } from './retention-run.ts';

export interface RetentionRunWaiterDeps {
  readonly runs: Pick<RetentionRunRepository, 'listByIds'>;
  readonly logger: Logger;
}

export interface RunWaitOptions {
  readonly timeoutMs: number;
  /** Ends the waiting early. */
  readonly signal: AbortSignal;
}

interface Waiter {
  run: RetentionRun;
  readonly resolve: () => void;
  polls: number;
  dueAt: number;
}

/** Pauses between the polls for one request; the last one goes on. A run takes some milliseconds, or many seconds. */
const pausesMs = [25, 50, 50, 100, 100, 250, 500];
/** A request that is due within that is part of the same poll. */
const slackMs = 10;
const maxWaitingPerTenant = 8;
/** Rows that one poll reads at most: some milliseconds of the database. */
const maxWaiting = 1000;
/** Between two polls the database rests at least this long, and as long as the one before took, up to the second. */
const restMs = { shortest: 10, longest: 1000 };

/**
 * Waits for retention runs to end, with one statement at a time for all requests of this process that wait. A request
 * that is one too many, of its tenant or of all, does not wait.
 */
export class RetentionRunWaiter {
  readonly #deps: RetentionRunWaiterDeps;
  readonly #waiters = new Set<Waiter>();
  readonly #ofTenant = new Map<string, number>();
  #timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  #isPolling = false;
  #isClosed = false;
  #restsUntil = 0;

  constructor(deps: RetentionRunWaiterDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves once the run is completed or failed, or with what is known of it when the time is up, the signal aborts,
   * the process goes down or too many wait already. Never rejects: what cannot be read is as it was.
   */
  async waitUntilEnded(started: RetentionRun, { timeoutMs, signal }: RunWaitOptions): Promise<RetentionRun> {
    const { tenantId } = started;
    const own = this.#ofTenant.get(tenantId) ?? 0;
    const isFull = own >= maxWaitingPerTenant || this.#waiters.size >= maxWaiting;
    if (isFull || timeoutMs <= 0 || signal.aborted || this.#isClosed) return started;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { run: started, resolve, polls: 0, dueAt: Date.now() + pauseAfter(0) };
    this.#waiters.add(waiter);
    this.#ofTenant.set(tenantId, own + 1);
    this.#schedule();
    const finish = (): void => this.#finish(waiter);
    const late = setTimeout(finish, timeoutMs);
    signal.addEventListener('abort', finish, { once: true });
    await promise;
    clearTimeout(late);
    signal.removeEventListener('abort', finish);
    return waiter.run;
  }

  /** Requests that wait are answered now, with what is known. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) this.#finish(waiter);
  }

  #finish(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter)) return;
    const left = (this.#ofTenant.get(waiter.run.tenantId) ?? 1) - 1;
    if (left === 0) this.#ofTenant.delete(waiter.run.tenantId);
    else this.#ofTenant.set(waiter.run.tenantId, left);
    waiter.resolve();
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#isPolling || this.#waiters.size === 0) return;
    let at = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#waiters) at = Math.min(at, dueAt);
    at = Math.max(at, this.#restsUntil);
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = { at, handle: setTimeout(() => void this.#poll(), Math.max(0, at - Date.now())) };
  }

  async #poll(): Promise<void> {
    this.#timer = undefined;
    this.#isPolling = true;
    const startedAt = Date.now();
    const due = [...this.#waiters].filter(({ dueAt }) => dueAt <= startedAt + slackMs);
    try {
      const found = await this.#deps.runs.listByIds(due.map(({ run }) => run));
      const byId = new Map(found.map((run) => [run.runId, run]));
      for (const waiter of due) waiter.run = byId.get(waiter.run.runId) ?? waiter.run;
    } catch (error) {
      // The run is asked for: that its state cannot be read now must not fail its request.
      this.#deps.logger.warn({ err: error }, 'retention runs could not be read');
    }
    for (const waiter of due) {
      waiter.polls += 1;
      waiter.dueAt = Date.now() + pauseAfter(waiter.polls);
      if (waiter.run.state === 'completed' || waiter.run.state === 'failed') this.#finish(waiter);
    }
    const tookMs = Date.now() - startedAt;
    this.#restsUntil = Date.now() + Math.min(Math.max(tookMs, restMs.shortest), restMs.longest);
    this.#isPolling = false;
    this.#schedule();
  }
}

function pauseAfter(polls: number): number {
  return pausesMs[polls] ?? pausesMs.at(-1) ?? 0;
}
