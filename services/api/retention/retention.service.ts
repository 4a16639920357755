import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { v7 as uuidv7 } from 'uuid';
import type { RetentionRunRepository } from './retention-run.repository.ts';
import type { RetentionRunWaiter } from './retention-run-waiter.ts';
import type { NewRetentionRun, RetentionRun } from './retention-run.ts';

export interface RetentionServiceDeps {
  readonly runs: Pick<RetentionRunRepository, 'insert' | 'findById'>;
  readonly waiter: Pick<RetentionRunWaiter, 'waitUntilEnded'>;
  /** Notifies the retention workers of a run. The worker's sweeper makes up for a notification that is lost. */
  readonly notify: (tenantId: string, runId: string) => Promise<void>;
  /** How long an answer waits for the run to end. */
  readonly waitMs: number;
  readonly logger: Logger;
}

export type RetentionRequest = Omit<NewRetentionRun, 'runId'>;

export interface RunWait {
  /** When the request began, in milliseconds since the epoch: what it has waited for already counts. */
  readonly askedAt: number;
  /** Ends the wait, not the run. */
  readonly signal: AbortSignal;
}

export type RetentionService = ReturnType<typeof createRetentionService>;

export function createRetentionService({ runs, waiter, notify, waitMs, logger }: RetentionServiceDeps) {
  async function getById(tenantId: string, runId: string, signal?: AbortSignal): Promise<RetentionRun> {
    const run = await runs.findById(tenantId, runId, signal);
    if (run === undefined) throw new AppError('not_found', 'There is no such retention run.');
    return run;
  }

  return {
    getById,

    /** Asks for a run, which a retention worker carries out. */
    async start(request: RetentionRequest, audit: AuditOrigin | undefined): Promise<RetentionRun> {
      const { tenantId, dryRun } = request;
      const runId = uuidv7();
      await runs.insert({ ...request, runId }, audit);
      await notify(tenantId, runId).catch((error: unknown) => {
        logger.warn({ err: error }, 'retention worker not notified: its sweeper will find the run');
      });
      return { runId, tenantId, state: 'queued', dryRun, archived: 0, deleted: 0 };
    },

    /**
     * Waits a while for a run to end: a state other than `completed` means that it goes on.
     *
     * @throws AppError `internal` when it failed.
     */
    async waitForEnd(started: RetentionRun, { askedAt, signal }: RunWait): Promise<RetentionRun> {
      const timeoutMs = Math.max(0, askedAt + waitMs - Date.now());
      const run = await waiter.waitUntilEnded(started, { timeoutMs, signal });
      if (run.state === 'failed') throw new AppError('internal', 'the retention run failed');
      return run;
    },
  };
}
