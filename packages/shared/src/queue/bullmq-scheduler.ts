import { getNextMillis, type RepeatOptions } from 'bullmq';

import { AppError } from '../errors/app-error.ts';
import { templateOptions } from './bullmq-producer.ts';
import type { QueueDefinition } from './define-queue.ts';
import { assertUsableId, parsePayload, type QueueHandle } from './queue-handle.ts';
import type { Schedule, Scheduler } from './queue-port.ts';

export function createBullmqScheduler<Q extends QueueDefinition>(queue: Q, handle: QueueHandle): Scheduler<Q> {
  return {
    async upsertSchedule(jobName, schedulerId, schedule, payload) {
      assertUsableId('schedulerId', schedulerId);
      const data = parsePayload(queue, jobName, payload);
      const repeat = repeatOptions(schedule);
      const template = { name: jobName, data, opts: templateOptions(queue, jobName) };
      await handle.run((bull) => bull.upsertJobScheduler(schedulerId, repeat, template));
    },

    async removeSchedule(schedulerId) {
      assertUsableId('schedulerId', schedulerId);
      return handle.run((bull) => bull.removeJobScheduler(schedulerId));
    },
  };
}

function repeatOptions(schedule: Schedule): RepeatOptions {
  if ('everyMs' in schedule) {
    if (Number.isSafeInteger(schedule.everyMs) && schedule.everyMs > 0) return { every: schedule.everyMs };
    throw new AppError('internal', `${schedule.everyMs} is not an interval in milliseconds`);
  }
  const repeat = { pattern: schedule.cron, tz: 'UTC' };
  try {
    getNextMillis(Date.now(), repeat);
  } catch (cause) {
    throw new AppError('internal', `"${schedule.cron}" is not a cron pattern`, { cause });
  }
  return repeat;
}
