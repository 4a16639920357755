import { appendAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

export interface AuditPruneRequest {
  /** At least seven: the database refuses less. */
  readonly keepDays: number;
  /** Rows at most. */
  readonly limit: number;
}

export type AuditLogRepository = ReturnType<typeof createAuditLogRepository>;

/** @param audit whom the audit log names; undefined: nothing is written to it. */
export function createAuditLogRepository(db: Kysely<Schema>, audit: AuditOrigin | undefined) {
  return {
    /**
     * Deletes the oldest rows of the audit log, of those that are too old, and writes that to the log. By a function of the
     * database: nothing else may delete there.
     *
     * @returns how many rows were deleted.
     */
    async prune({ keepDays, limit }: AuditPruneRequest): Promise<number> {
      return db.transaction().execute(async (transaction) => {
        const result = await sql<{ deleted: number }>`
          select prune_audit_events(${keepDays}, ${limit}) as deleted`.execute(transaction);
        const deleted = result.rows[0]?.deleted ?? 0;
        if (deleted > 0) {
          const entry = { tenantId: undefined, action: 'audit.prune', objectType: 'audit_event' } as const;
          const changes = { deleted, older_than_days: keepDays };
          await appendAuditEvent(transaction, audit, { ...entry, objectId: undefined, outcome: 'success', changes });
        }
        return deleted;
      });
    },
  };
}
