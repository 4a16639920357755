import type { retentionQueue } from '@memory-layer/shared/queue/catalog';
import type { Handlers } from '@memory-layer/shared/queue/define-queue';
import type { RetentionService } from './retention.service.ts';
import type { ScheduleService } from './schedule.service.ts';

export interface RetentionProcessorDeps {
  readonly schedule: Pick<ScheduleService, 'scheduleRuns'>;
  readonly retention: Pick<RetentionService, 'run'>;
}

/** What the jobs of the retention queue do. */
export function createRetentionProcessors(deps: RetentionProcessorDeps): Handlers<typeof retentionQueue> {
  const { schedule, retention } = deps;
  return {
    /** Repeatable: asks for the runs that are due. */
    'schedule-retention': ({ signal }) => schedule.scheduleRuns(signal),

    /** Carries out one run of one tenant. An aborted job goes back to the queue, as its run does. */
    'run-retention': async ({ payload, signal }) => {
      const outcome = await retention.run(payload.tenantId, payload.runId, signal);
      if (outcome === 'handed-back') signal.throwIfAborted();
    },
  };
}
