import { z } from 'zod';

import { callerIdSchema as tenantId } from '../tenant/caller-id.ts';
import { defineQueue } from './define-queue.ts';

/**
 * Work of the embed workers. A job is only a wake-up: the pending rows are the truth, so a lost, doubled
 * or late job does no harm, and few attempts are enough.
 */
export const embeddingQueue = defineQueue({
  name: 'embedding',
  jobs: {
    /** "This tenant has pending rows of this generation": lease a batch, embed, notify again if more are left. */
    'embed-messages': {
      schema: z.strictObject({
        v: z.literal(1),
        tenantId,
        generation: z.int().nonnegative(),
        /** The request that notified first: for following one message through the logs. */
        requestId: z.string().min(1).max(128).optional(),
      }),
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000, jitter: 0.5 },
      timeoutMs: 120_000,
    },
  },
});

/** Work of the retention workers. */
export const retentionQueue = defineQueue({
  name: 'retention',
  jobs: {
    /** Repeatable: adds one `run-retention` per tenant. */
    'schedule-retention': {
      schema: z.strictObject({ v: z.literal(1) }),
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 5_000, jitter: 0.5 },
      timeoutMs: 60_000,
    },
    /** Reads the tenant's current policy and applies it in bounded, resumable batches. */
    'run-retention': {
      schema: z.strictObject({ v: z.literal(1), tenantId, runId: z.uuid() }),
      attempts: 5,
      backoff: { type: 'exponential', delayMs: 5_000, jitter: 0.5 },
      timeoutMs: 600_000,
    },
  },
});
