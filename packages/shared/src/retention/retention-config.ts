import { z } from 'zod';
import { decimal, integer, list } from '../config/env-fields.ts';
import { decodeCallerId } from '../tenant/caller-id.ts';
import { agesOf, type PolicyDefaults } from './retention-policy.ts';

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
 * The settings of retention, which the retention worker applies and the api reports. Names are those of the service that
 * this one replaces. Ages and threshold have no defaults, so nothing is archived unless an operator asks for it.
 */
export const retentionPolicyEnv = {
  MEMORY_RETENTION_MAX_AGE_DAYS: integer(1, 3650).optional(),
  MEMORY_RETENTION_AGE_OF: z.enum(agesOf).default('stored'),
  MEMORY_RETENTION_IMPORTANCE_THRESHOLD: decimal(0, 1).optional(),
  MEMORY_RETENTION_DELETE_AFTER_DAYS: integer(1, 3650).optional(),
  MEMORY_RETENTION_SCHEDULE_SECONDS: integer(60, 31_536_000).default(86_400),
  MEMORY_RETENTION_TENANTS: tenants,
};

/** Which tenants have runs, and how often. */
export interface RetentionSchedule {
  readonly everySeconds: number;
  /** Undefined for all. */
  readonly tenantIds: readonly string[] | undefined;
}

export function toRetentionPolicyConfig(env: z.output<z.ZodObject<typeof retentionPolicyEnv>>): {
  readonly defaults: PolicyDefaults;
  readonly schedule: RetentionSchedule;
} {
  return {
    defaults: {
      maxAgeDays: env.MEMORY_RETENTION_MAX_AGE_DAYS,
      ageOf: env.MEMORY_RETENTION_AGE_OF,
      importanceThreshold: env.MEMORY_RETENTION_IMPORTANCE_THRESHOLD,
      deleteAfterDays: env.MEMORY_RETENTION_DELETE_AFTER_DAYS,
    },
    schedule: { everySeconds: env.MEMORY_RETENTION_SCHEDULE_SECONDS, tenantIds: env.MEMORY_RETENTION_TENANTS },
  };
}
