import { UnrecoverableError } from 'bullmq';

import { UnparseableJobError } from './job-runner.ts';
import type { BullJob } from './queue-driver.ts';
import type { ConsumerEvents, JobReport } from './queue-port.ts';

/** A job whose attempt has just ended, in the port's words. */
export function reportJob(queueName: string, job: BullJob): JobReport {
  const startedAt = job.processedOn ?? Date.now();
  return {
    queueName,
    jobName: job.name,
    jobId: job.id ?? '',
    attempt: Math.max(job.attemptsMade, 1),
    payload: job.data,
    waitedMs: Math.max(startedAt - job.timestamp, 0),
    durationMs: Math.max((job.finishedOn ?? Date.now()) - startedAt, 0),
  };
}

export function reportFailure(queueName: string, job: BullJob, error: Error, events: ConsumerEvents): void {
  // `UnrecoverableError` is only BullMQ's wrapping of an error that is not to be retried.
  const original = error instanceof UnrecoverableError && error.cause instanceof Error ? error.cause : error;
  const report = { ...reportJob(queueName, job), error: original, willRetry: job.finishedOn === undefined };
  if (error instanceof UnparseableJobError) events.onUnparseable?.(report);
  else events.onFailed?.(report);
}
