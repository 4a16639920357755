import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { v7 as uuidv7 } from 'uuid';
import { staleAfterMs, type RetentionJobNotifier } from './retention.service.ts';
import type { RunKey, ScheduleRepository } from './schedule.repository.ts';

export interface ScheduleServiceDeps {
  readonly schedule: ScheduleRepository;
  readonly notifier: RetentionJobNotifier;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ScheduleServiceOptions {
  readonly everySeconds: number;
  /** Undefined for all. */
  readonly tenantIds: readonly string[] | undefined;
}

const pageSize = 1000;
const jobsAtOnce = 50;
/** A run that waits this long has lost its job, or its turn has not come; another job harms neither. */
const overdueAfterMs = 60_000;

export type ScheduleService = ReturnType<typeof createScheduleService>;

/** Asks for retention runs when their time has come, and notifies the workers of them. */
export function createScheduleService(deps: ScheduleServiceDeps, options: ScheduleServiceOptions) {
  const { schedule, notifier, clock, logger } = deps;

  /** The rows are what counts: when the queue is away, the rest is left to the sweeper. */
  async function enqueueAll(runs: readonly RunKey[]): Promise<number> {
    for (let first = 0; first < runs.length; first += jobsAtOnce) {
      const adds = runs.slice(first, first + jobsAtOnce).map(({ tenantId, runId }) => notifier.notify(tenantId, runId));
      const results = await Promise.allSettled(adds);
      const failed = results.filter((result) => result.status === 'rejected').length;
      if (failed > 0) {
        logger.warn(
          { notEnqueued: runs.length - first - results.length + failed },
          'retention jobs not enqueued: queue away',
        );
        return first + results.length - failed;
      }
    }
    return runs.length;
  }

  async function deleteExpiredIdempotencyKeys(now: Date, signal: AbortSignal): Promise<number> {
    let deleted = 0;
    for (;;) {
      signal.throwIfAborted();
      const batch = await schedule.deleteExpiredIdempotencyKeys(now, pageSize);
      deleted += batch;
      if (batch < pageSize) return deleted;
    }
  }

  return {
    /**
     * Asks for a run of every tenant that is due, page by page, and clears out idempotency keys of the past.
     * @throws what the signal was aborted for. What was asked for until then stays.
     */
    async scheduleRuns(signal: AbortSignal): Promise<void> {
      const now = clock.now();
      const recentSince = new Date(now.getTime() - options.everySeconds * 500);
      let asked = 0;
      let page: string[];
      let after = '';
      do {
        signal.throwIfAborted();
        page = await schedule.listTenantIds(after, pageSize, options.tenantIds);
        const runs = page.map((tenantId) => ({ tenantId, runId: uuidv7() }));
        const inserted = await schedule.insertRuns(runs, now, recentSince);
        asked += inserted.length;
        await enqueueAll(inserted);
        after = page.at(-1) ?? after;
      } while (page.length === pageSize);
      const idempotencyKeys = await deleteExpiredIdempotencyKeys(now, signal);
      logger.info({ runs: asked, idempotencyKeys }, 'retention scheduled');
    },

    /** Enqueues jobs for runs that wait too long or whose worker is gone. @returns how many jobs were enqueued. */
    async enqueueStuckRuns(): Promise<number> {
      const now = clock.now().getTime();
      const stuck = await schedule.listStuckRuns(
        new Date(now - overdueAfterMs),
        new Date(now - staleAfterMs),
        pageSize,
      );
      return enqueueAll(stuck);
    },
  };
}
