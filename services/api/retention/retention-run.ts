import type { RetentionAction, RetentionRunState } from '@memory-layer/shared/db/schema';

/** What is asked of a retention worker. */
export interface NewRetentionRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly actions: readonly RetentionAction[];
  readonly dryRun: boolean;
}

/** How a run stands: counts so far while it is running, final ones when it has ended. */
export interface RetentionRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly state: RetentionRunState;
  readonly dryRun: boolean;
  readonly archived: number;
  readonly deleted: number;
}
