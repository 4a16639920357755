import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { v7 as uuidv7 } from 'uuid';
import { staleAfterMs } from './retention.service.ts';
import type { RunBell } from './run-bell.ts';
import type { RunKey, ScheduleRepository } from './schedule.repository.ts';

export interface ScheduleServiceDeps {
  readonly schedule: ScheduleRepository;
  readonly bell: RunBell;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ScheduleServiceOptions {
  readonly everySeconds: number;
  /** Undefined for all. */
  readonly tenantIds: readonly string[] | undefined;
}

const pageSize = 1000;
const bellsAtOnce = 50;
/** A run that waits this long has lost its bell, or its turn has not come; ringing again harms neither. */
const overdueAfterMs = 60_000;

export type ScheduleService = ReturnType<typeof createScheduleService>;

/** Asks for retention runs when their time has come, and sees to it that somebody hears of them. */
export function createScheduleService(deps: ScheduleServiceDeps, options: ScheduleServiceOptions) {
  const { schedule, bell, clock, logger } = deps;

  /** The rows are what counts: when the queue is away, the rest is left to the sweeper. */
  async function ringAll(runs: readonly RunKey[]): Promise<number> {
    for (let first = 0; first < runs.length; first += bellsAtOnce) {
      const rings = runs.slice(first, first + bellsAtOnce).map(({ tenantId, runId }) => bell.ring(tenantId, runId));
      const results = await Promise.allSettled(rings);
      const failed = results.filter((result) => result.status === 'rejected').length;
      if (failed > 0) {
        logger.warn({ unrung: runs.length - first - results.length + failed }, 'retention bells failed: queue away');
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
        await ringAll(inserted);
        after = page.at(-1) ?? after;
      } while (page.length === pageSize);
      const idempotencyKeys = await deleteExpiredIdempotencyKeys(now, signal);
      logger.info({ runs: asked, idempotencyKeys }, 'retention scheduled');
    },

    /** Rings again for runs that wait for too long or whose worker is gone. @returns how many bells were rung. */
    async ringStuckRuns(): Promise<number> {
      const now = clock.now().getTime();
      const stuck = await schedule.listStuckRuns(
        new Date(now - overdueAfterMs),
        new Date(now - staleAfterMs),
        pageSize,
      );
      return ringAll(stuck);
    },
  };
}
