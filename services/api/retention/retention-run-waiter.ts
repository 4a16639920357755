import type { Logger } from '@memory-layer/shared/observability/logger';
import { PollSchedule, type WaitOptions } from '../polling/poll-schedule.ts';
import type { RetentionRunRepository } from './retention-run.repository.ts';
import type { RetentionRun } from './retention-run.ts';

export interface RetentionRunWaiterDeps {
  readonly runs: Pick<RetentionRunRepository, 'listByIds'>;
  readonly logger: Logger;
}

interface Waiter {
  run: RetentionRun;
}

/** A run takes some milliseconds, or many seconds. */
const pausesMs = [25, 50, 50, 100, 100, 250, 500];
const slackMs = 10;
const restMs = { shortest: 10, longest: 1000 };
const maxWaitingPerTenant = 8;
/** Rows that one poll reads at most: some milliseconds of the database. */
const maxWaiting = 1000;

/**
 * Waits for retention runs to end, with one statement at a time for all requests of this process that wait. A request
 * that is one too many, of its tenant or of all, does not wait.
 */
export class RetentionRunWaiter {
  readonly #deps: RetentionRunWaiterDeps;
  readonly #schedule: PollSchedule<Waiter>;
  readonly #ofTenant = new Map<string, number>();

  constructor(deps: RetentionRunWaiterDeps) {
    this.#deps = deps;
    this.#schedule = new PollSchedule({
      pausesMs,
      slackMs,
      restMs,
      poll: (due) => this.#update(due),
      isDone: ({ run }) => run.state === 'completed' || run.state === 'failed',
      // The run is stored: that its state cannot be read now must not fail its request.
      onError: (error) => deps.logger.warn({ err: error }, 'retention runs could not be read'),
    });
  }

  /**
   * Resolves once the run is completed or failed, or with what is known of it when the time is up, the signal aborts,
   * the process goes down or too many wait already. Never rejects: what cannot be read is as it was.
   */
  async waitUntilEnded(started: RetentionRun, options: WaitOptions): Promise<RetentionRun> {
    const { tenantId } = started;
    const own = this.#ofTenant.get(tenantId) ?? 0;
    const isFull = own >= maxWaitingPerTenant || this.#schedule.size >= maxWaiting;
    if (isFull || options.timeoutMs <= 0) return started;
    const waiter: Waiter = { run: started };
    this.#ofTenant.set(tenantId, own + 1);
    await this.#schedule.wait(waiter, options);
    const left = (this.#ofTenant.get(tenantId) ?? 1) - 1;
    if (left === 0) this.#ofTenant.delete(tenantId);
    else this.#ofTenant.set(tenantId, left);
    return waiter.run;
  }

  /** Requests that wait are answered now, with what is known. */
  close(): void {
    this.#schedule.close();
  }

  async #update(due: readonly Waiter[]): Promise<void> {
    const found = await this.#deps.runs.listByIds(due.map(({ run }) => run));
    const byId = new Map(found.map((run) => [run.runId, run]));
    for (const waiter of due) waiter.run = byId.get(waiter.run.runId) ?? waiter.run;
  }
}
