import { z } from 'zod';
import { callerIdSchema } from '../tenant/caller-id.ts';
import type { JobReport } from './queue-port.ts';

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
