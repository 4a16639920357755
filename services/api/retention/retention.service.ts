import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { v7 as uuidv7 } from 'uuid';
import type { RetentionRunRepository } from './retention-run.repository.ts';
import type { NewRetentionRun, RetentionRun } from './retention-run.ts';

export interface RetentionServiceDeps {
  readonly runs: RetentionRunRepository;
  /** Tells a retention worker of a run. One that is not heard is found by the worker's sweeper. */
  readonly ring: (tenantId: string, runId: string) => Promise<void>;
  /** How long an answer waits for the run to end. */
  readonly waitMs: number;
  readonly logger: Logger;
}

export type RetentionRequest = Omit<NewRetentionRun, 'runId'>;

const pollMs = 50;

export type RetentionService = ReturnType<typeof createRetentionService>;

export function createRetentionService({ runs, ring, waitMs, logger }: RetentionServiceDeps) {
  async function getById(tenantId: string, runId: string, signal?: AbortSignal): Promise<RetentionRun> {
    const run = await runs.findById(tenantId, runId, signal);
    if (run === undefined) throw new AppError('not_found', 'There is no such retention run.');
    return run;
  }

  /** Waits until the run has ended or the time is up, and answers how it stands. */
  async function waitForEnd(tenantId: string, runId: string, signal: AbortSignal): Promise<RetentionRun> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const run = await getById(tenantId, runId, signal);
      if (run.state === 'failed') throw new AppError('internal', 'the retention run failed');
      if (run.state === 'completed' || Date.now() >= deadline) return run;
      await sleep(pollMs, undefined, { signal });
    }
  }

  return {
    getById,

    /**
     * Starts a run and waits for it a while: a state other than `completed` means that it goes on. The signal ends the
     * wait, not the run.
     */
    async run(request: RetentionRequest, signal: AbortSignal): Promise<RetentionRun> {
      const runId = uuidv7();
      await runs.insert({ ...request, runId });
      await ring(request.tenantId, runId).catch((error: unknown) => {
        logger.warn({ err: error }, 'retention worker not told: its sweeper will find the run');
      });
      return waitForEnd(request.tenantId, runId, signal);
    },
  };
}
