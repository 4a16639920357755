import { z } from 'zod';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { callerIdSchema } from '../tenant/caller-id.ts';
import type { ConsumerEvents, JobReport } from './queue-port.ts';

export interface JobEventsDeps {
  readonly queueName: string;
  /** Counts an attempt that has ended. */
  readonly onEnded: (report: JobReport, status: 'completed' | 'failed') => void;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'jobsFailed'>;
}

/** Counts and logs how the jobs of a queue end. A job that has completed is logged by who knows what it did. */
export function createJobEvents({ queueName, onEnded, logger, metrics }: JobEventsDeps): ConsumerEvents {
  return {
    onCompleted: (report) => onEnded(report, 'completed'),
    onFailed: (report) => {
      onEnded(report, 'failed');
      metrics.jobsFailed.inc({ queue: queueName, reason: 'failed' });
      logger.error({ ...jobLogFields(report), willRetry: report.willRetry, err: report.error }, 'job failed');
    },
    onUnparseable: (report) => {
      metrics.jobsFailed.inc({ queue: queueName, reason: 'unparseable' });
      logger.error({ ...jobLogFields(report), err: report.error }, 'job not understood');
    },
    onHandedBack: (report) => logger.info(jobLogFields(report), 'job handed back'),
    onError: (error) => logger.warn({ err: error }, `the ${queueName} queue has trouble`),
  };
}

// The ids that jobs of the catalog carry; of a payload that nobody has parsed, only those that look like ids.
const id = z
  .string()
  .regex(/^[\w.=-]{1,128}$/)
  .optional()
  .catch(undefined);
const tenantId = callerIdSchema.optional().catch(undefined);
const ids = z.object({ tenantId, runId: id, requestId: id }).catch({});

/** What every line about an attempt of a job says: which job, its ids, and how long it waited and took. */
export function jobLogFields({ jobName: job, jobId, attempt, waitedMs, durationMs, payload }: JobReport) {
  return { job, jobId, attempt, ...ids.parse(payload), waitedMs, durationMs };
}
