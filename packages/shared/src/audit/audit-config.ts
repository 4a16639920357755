import { z } from 'zod';

/** What the api and the retention worker both read. */
export const auditEnv = {
  MEMORY_AUDIT: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
};

/** What the database keeps of the audit log in any case: see `refuse_audit_delete` in migration 0017. */
export const minAuditRetentionDays = 7;
