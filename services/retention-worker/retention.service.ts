import { isDatabaseUnavailable } from '@memory-layer/shared/db/database-errors';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { PolicyDefaults } from '@memory-layer/shared/retention/retention-policy';
import type { RetentionCounts } from './archive/batch.ts';
import { carryOutRun, countRun, type RunExecution } from './carry-out-run.ts';
import { RunLostError, type ClaimedRun, type RetentionRunRepository } from './retention-run.repository.ts';
import type { RetentionRepository } from './retention.repository.ts';

/** Notifies the retention workers that a run waits. The sweeper makes up for a notification that is lost. */
export interface RetentionJobNotifier {
  /** @throws AppError `unavailable` when the queue did not take the job in time. */
  notify(tenantId: string, runId: string): Promise<void>;
}

export interface RetentionServiceDeps {
  readonly retention: RetentionRepository;
  readonly runs: RetentionRunRepository;
  readonly notifier: RetentionJobNotifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'retentionRows' | 'retentionRuns'>;
}

export interface RetentionServiceOptions {
  readonly defaults: PolicyDefaults;
  /** Rows that one transaction archives or deletes at most. */
  readonly batchSize: number;
  /** Time after which a run goes to the end of the queue, so that a large tenant does not keep others waiting. */
  readonly sliceMs: number;
}

/**
 * - `handed-back`: stopped half-way; the run is queued again and goes on where it was left.
 * - `lost`: somebody else took it over, or it was erased.
 * - `skipped`: it does not wait: it is done or unknown, or another worker is at it.
 */
export type RunOutcome = 'completed' | 'failed' | 'handed-back' | 'lost' | 'skipped';

/** A running run that started this long ago is a dead worker's: a job that long would have timed out. */
export const staleAfterMs = 600_000;

interface Attempt {
  readonly outcome: RunOutcome;
  /** Of the whole run, earlier attempts included. */
  readonly counts?: RetentionCounts;
}

export type RetentionService = ReturnType<typeof createRetentionService>;

/** Carries out retention runs. Any number of workers may do so at once, for one tenant too. */
export function createRetentionService(deps: RetentionServiceDeps, options: RetentionServiceOptions) {
  const { retention, runs, notifier, clock, logger, metrics } = deps;

  async function attempt(execution: RunExecution): Promise<Attempt> {
    const { run, signal } = execution;
    try {
      if (run.dryRun) await runs.setCounts(run, await countRun(execution));
      else await carryOutRun(execution);
      return { outcome: 'completed', counts: await runs.complete(run, clock.now()) };
    } catch (error) {
      if (error instanceof RunLostError) return { outcome: 'lost' };
      if (!signal.aborted) return { outcome: await endFailed(run, error) };
      await runs.handBack(run);
      return { outcome: 'handed-back' };
    }
  }

  async function endFailed(run: ClaimedRun, error: unknown): Promise<RunOutcome> {
    const failure = describeFailure(error);
    if (failure.retryable) {
      await runs.handBack(run);
      throw new AppError('unavailable', failure.text, { cause: error });
    }
    await runs.fail(run, clock.now(), failure.text);
    // Not the error itself: what the database says of it may quote a row.
    logger.error({ runId: run.runId, reason: failure.text }, 'retention run failed');
    return 'failed';
  }

  async function notifyAgain({ tenantId, runId }: ClaimedRun): Promise<void> {
    try {
      await notifier.notify(tenantId, runId);
    } catch {
      logger.warn({ runId }, 'retention run goes on when the sweeper finds it: the queue is not available');
    }
  }

  return {
    /**
     * Carries out a run that was asked for, until it is done, its time slice is over, or the signal is aborted.
     *
     * @throws AppError `unavailable` when the database cannot go on just now; the run then waits.
     */
    async run(tenantId: string, runId: string, signal: AbortSignal): Promise<RunOutcome> {
      const now = clock.now();
      const run = await runs.claim(tenantId, runId, now, new Date(now.getTime() - staleAfterMs));
      if (run === undefined) return 'skipped';
      const startedMs = performance.now();
      const { outcome, counts } = await attempt({
        run,
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.sliceMs)]),
        retention,
        defaults: options.defaults,
        batchSize: options.batchSize,
        onRows: (action, rows) => metrics.retentionRows.inc({ action }, rows),
      });
      metrics.retentionRuns.inc({ outcome });
      const durationMs = Math.round(performance.now() - startedMs);
      const { actions, dryRun } = run;
      logger.info({ tenantId, runId, actions, dryRun, outcome, ...counts, durationMs }, 'retention run');
      if (outcome === 'handed-back' && !signal.aborted) await notifyAgain(run);
      return outcome;
    },
  };
}

/** What is kept of an error: never its text, which may quote a row. */
interface RunFailure {
  /** Whether the same run may succeed later without a repair. */
  readonly retryable: boolean;
  readonly text: string;
}

// Deadlock and serialization failure, lock not available, statement cancelled.
const transientStates = /^(40...|55P03|57014)$/;

/** Sorts an error of a run: to be tried again, or the end of the run. */
export function describeFailure(error: unknown): RunFailure {
  if (isDatabaseUnavailable(error)) return { retryable: true, text: 'the database is not available' };
  const state = sqlState(error);
  if (state === undefined) return { retryable: false, text: 'the run failed for an unexpected reason' };
  return { retryable: transientStates.test(state), text: `the database refused a statement (SQLSTATE ${state})` };
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
