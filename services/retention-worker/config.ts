import { decimal, integer, list } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';
import { serviceEnv } from '@memory-layer/shared/process/service-config';
import { decodeCallerId } from '@memory-layer/shared/tenant/caller-id';
import { z } from 'zod';

const everyTenant = '*';

/** `*`, or the ids of the tenants that are scheduled, percent-encoded. Undefined stands for all. */
const tenants = list.default([everyTenant]).transform((items, context): readonly string[] | undefined => {
  const ids = items.filter((item) => item !== everyTenant).map(decodeCallerId);
  const known = ids.filter((id) => id !== undefined);
  if (known.length === ids.length) return ids.length < items.length ? undefined : known;
  context.addIssue({ code: 'custom', message: 'must be * or tenant ids, percent-encoded' });
  return z.NEVER;
});

/**
 * The retention worker's variables. Names follow the service that this one replaces; its ages and threshold have no
 * defaults here, since nothing is archived that nobody asked to archive.
 */
export const retentionEnv = {
  MEMORY_RETENTION_MAX_AGE_DAYS: integer(1, 3650).optional(),
  MEMORY_RETENTION_IMPORTANCE_THRESHOLD: decimal(0, 1).optional(),
  MEMORY_RETENTION_DELETE_AFTER_DAYS: integer(1, 3650).optional(),
  MEMORY_RETENTION_SCHEDULE_SECONDS: integer(60, 31_536_000).default(86_400),
  MEMORY_RETENTION_TENANTS: tenants,
  MEMORY_RETENTION_BATCH_SIZE: integer(1, 10_000).default(500),
  MEMORY_RETENTION_CONCURRENCY: integer(1, 64).default(2),
  MEMORY_EVENT_LOG_MINUTES: integer(10, 43_200).default(60),
};

/** The variables of the retention worker as a service of its own. */
export const retentionServiceEnv = { ...serviceEnv(9466), ...retentionEnv };

export type RetentionConfig = ReturnType<typeof toRetentionConfig>;

export function toRetentionConfig(env: z.output<z.ZodObject<typeof retentionEnv>>) {
  return deepFreeze({
    defaults: {
      maxAgeDays: env.MEMORY_RETENTION_MAX_AGE_DAYS,
      importanceThreshold: env.MEMORY_RETENTION_IMPORTANCE_THRESHOLD,
      deleteAfterDays: env.MEMORY_RETENTION_DELETE_AFTER_DAYS,
    },
    schedule: { everySeconds: env.MEMORY_RETENTION_SCHEDULE_SECONDS, tenantIds: env.MEMORY_RETENTION_TENANTS },
    /** Messages that one transaction archives or deletes at most. */
    batchSize: env.MEMORY_RETENTION_BATCH_SIZE,
    /** Jobs that this process works on at the same time. */
    concurrency: env.MEMORY_RETENTION_CONCURRENCY,
    /** How far back the event log reaches. */
    eventLogMinutes: env.MEMORY_EVENT_LOG_MINUTES,
  });
}
