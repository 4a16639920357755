import type { JobsOptions } from 'bullmq';

import { AppError } from '../errors/app-error.ts';
import type { JobDefinition, QueueDefinition } from './define-queue.ts';
import { assertUsableId, parsePayload, type QueueHandle } from './queue-handle.ts';
import type { AddOptions, Producer, Scheduler } from './queue-port.ts';

/** Failed jobs are kept for looking at, within bounds: a week, and at most a thousand per queue. */
const keptFailures = { age: 7 * 24 * 3_600, count: 1_000 };

export function createBullmqProducer<Q extends QueueDefinition>(queue: Q, handle: QueueHandle): Producer<Q> {
  return {
    async add(jobName, payload, options = {}) {
      const data = parsePayload(queue, jobName, payload);
      const jobOptions = { ...templateOptions(queue, jobName), ...instanceOptions(options) };
      await handle.run((bull) => bull.add(jobName, data, jobOptions));
    },

    async counts() {
      const counts = await handle.run((bull) => bull.getJobCounts('waiting', 'active', 'delayed', 'failed'));
      return {
        waiting: counts['waiting'] ?? 0,
        active: counts['active'] ?? 0,
        delayed: counts['delayed'] ?? 0,
        failed: counts['failed'] ?? 0,
      };
    },

    close: () => handle.close(),
  };
}

export function createBullmqScheduler<Q extends QueueDefinition>(queue: Q, handle: QueueHandle): Scheduler<Q> {
  return {
    async upsertSchedule(jobName, schedulerId, { everyMs }, payload) {
      assertUsableId('schedulerId', schedulerId);
      if (!Number.isSafeInteger(everyMs) || everyMs <= 0) {
        throw new AppError('internal', `${everyMs} is not an interval in milliseconds`);
      }
      const data = parsePayload(queue, jobName, payload);
      const template = { name: jobName, data, opts: templateOptions(queue, jobName) };
      await handle.run((bull) => bull.upsertJobScheduler(schedulerId, { every: everyMs }, template));
    },
  };
}

/** What the catalog says of a job, in BullMQ's words. */
function templateOptions(queue: QueueDefinition, jobName: string): JobsOptions {
  const job: JobDefinition | undefined = queue.jobs[jobName];
  if (job === undefined) throw new AppError('internal', `queue "${queue.name}" has no job "${jobName}"`);
  return {
    attempts: job.attempts,
    backoff: { type: job.backoff.type, delay: job.backoff.delayMs, jitter: job.backoff.jitter },
    removeOnComplete: true,
    removeOnFail: keptFailures,
    stackTraceLimit: 3,
  };
}

function instanceOptions({ deduplicationId }: AddOptions): JobsOptions {
  if (deduplicationId === undefined) return {};
  assertUsableId('deduplicationId', deduplicationId);
  return { deduplication: { id: deduplicationId } };
}
