import { UnrecoverableError, WaitingError } from 'bullmq';

import { AppError } from '../errors/app-error.ts';
import type { JobDefinition, QueueDefinition, RunningJob } from './define-queue.ts';
import type { BullJob } from './queue-driver.ts';

/** The job is of another catalog, or of another version of this one. No retry can help. */
export class UnparseableJobError extends UnrecoverableError {}

export interface JobRun {
  readonly queue: QueueDefinition;
  readonly handle: (job: RunningJob<unknown>) => Promise<void>;
  readonly job: BullJob;
  /** BullMQ's proof that this worker holds the job. */
  readonly token: string | undefined;
  /** The consumer had begun to stop before the job came: it goes back at once. */
  readonly refused: boolean;
  /** Aborted when the consumer must end. */
  readonly stopping: AbortSignal;
  readonly abortGraceMs: number;
  readonly onHandedBack: (job: BullJob) => void;
}

/**
 * Runs one attempt of a job.
 *
 * @throws UnparseableJobError, UnrecoverableError (not to be retried; `cause` is the handler's error), WaitingError
 *   (given back to the queue), or whatever the handler threw (to be retried).
 */
export async function runJob(run: JobRun): Promise<void> {
  const { job, queue, stopping } = run;
  if (run.refused) return handBack(run);
  // Before the handler looks at anything: an add that this job swallowed up to here is seen by the handler, and
  // one from here on makes a new job. BullMQ removes the key only if it still is this job's.
  await job.removeDeduplicationKey();
  const definition = Object.hasOwn(queue.jobs, job.name) ? queue.jobs[job.name] : undefined;
  if (definition === undefined) throw new UnparseableJobError(`queue "${queue.name}" has no job "${job.name}"`);
  const payload = definition.schema.safeParse(job.data);
  if (!payload.success) throw new UnparseableJobError(`payload of job "${job.name}": ${payload.error.message}`);
  try {
    await runWithTimeout(run, definition, payload.data);
  } catch (error) {
    if (stopping.aborted) return handBack(run);
    throw isFinal(error) ? Object.assign(new UnrecoverableError(error.message), { cause: error }) : error;
  }
}

async function runWithTimeout(run: JobRun, definition: JobDefinition, payload: unknown): Promise<void> {
  const { job, stopping, abortGraceMs } = run;
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(new AppError('deadline_exceeded', `job "${job.name}" took longer than ${definition.timeoutMs} ms`));
  }, definition.timeoutMs);
  const signal = AbortSignal.any([timeout.signal, stopping]);
  const abandonment = abandonAfterAbort(signal, abortGraceMs);
  try {
    const handled = run.handle({ payload, jobId: job.id ?? '', attempt: job.attemptsMade + 1, signal });
    await Promise.race([handled, abandonment.promise]);
  } catch (error) {
    // What handlers throw when aborted differs; what they were aborted for is what counts.
    throw timeout.signal.aborted ? timeout.signal.reason : error;
  } finally {
    clearTimeout(timer);
    abandonment.cancel();
  }
}

/** Rejects `graceMs` after the abort: a handler that ignores its signal must not hold its slot for ever. */
function abandonAfterAbort(signal: AbortSignal, graceMs: number): { promise: Promise<never>; cancel: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => reject(signal.reason), graceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = (): void => {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  };
  return { promise, cancel };
}

/** Back among the waiting jobs, for any consumer, without costing an attempt. */
async function handBack(run: JobRun): Promise<never> {
  await run.job.moveToWait(run.token);
  run.onHandedBack(run.job);
  throw new WaitingError();
}

function isFinal(error: unknown): error is AppError {
  return error instanceof AppError && !error.retryable;
}
