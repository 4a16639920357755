import type { retentionQueue } from '@memory-layer/shared/queue/catalog';
import type { Handlers } from '@memory-layer/shared/queue/define-queue';
import type { ScheduleService } from './schedule.service.ts';

type Handler = Handlers<typeof retentionQueue>['schedule-retention'];

/** Repeatable: asks for the runs that are due. */
export function createScheduleRetentionProcessor(schedule: Pick<ScheduleService, 'scheduleRuns'>): Handler {
  return ({ signal }) => schedule.scheduleRuns(signal);
}
