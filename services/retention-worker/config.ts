import { auditEnv, minAuditRetentionDays } from '@memory-layer/shared/audit/audit-config';
import { integer } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';
import { serviceEnv } from '@memory-layer/shared/process/service-config';
import { retentionPolicyEnv, toRetentionPolicyConfig } from '@memory-layer/shared/retention/retention-config';
import type { z } from 'zod';

/** The retention worker's variables. */
export const retentionEnv = {
  ...retentionPolicyEnv,
  MEMORY_RETENTION_BATCH_SIZE: integer(1, 10_000).default(500),
  MEMORY_RETENTION_CONCURRENCY: integer(1, 64).default(2),
  MEMORY_EVENT_LOG_MINUTES: integer(10, 43_200).default(60),
  ...auditEnv,
  MEMORY_AUDIT_RETENTION_DAYS: integer(minAuditRetentionDays, 36_500).default(365),
};

/** The variables of the retention worker as a service of its own. */
export const retentionServiceEnv = { ...serviceEnv(9466), ...retentionEnv };

export type RetentionConfig = ReturnType<typeof toRetentionConfig>;

export function toRetentionConfig(env: z.output<z.ZodObject<typeof retentionEnv>>) {
  return deepFreeze({
    ...toRetentionPolicyConfig(env),
    /** Messages that one transaction archives or deletes at most. */
    batchSize: env.MEMORY_RETENTION_BATCH_SIZE,
    /** Jobs that this process works on at the same time. */
    concurrency: env.MEMORY_RETENTION_CONCURRENCY,
    /** How far back the event log reaches. */
    eventLogMinutes: env.MEMORY_EVENT_LOG_MINUTES,
    /** Whether the audit log is written, and how far back it reaches in any case. */
    audit: { isOn: env.MEMORY_AUDIT === 'on', keepDays: env.MEMORY_AUDIT_RETENTION_DAYS },
  });
}
