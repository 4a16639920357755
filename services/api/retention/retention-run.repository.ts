import { appendAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { NewRetentionRun, RetentionRun } from './retention-run.ts';

export type RetentionRunRepository = ReturnType<typeof createRetentionRunRepository>;

export function createRetentionRunRepository(db: Kysely<Schema>) {
  return {
    /** Asks for a run. A retention worker carries it out. */
    async insert(run: NewRetentionRun, audit: AuditOrigin | undefined): Promise<void> {
      const { tenantId, runId, actions, dryRun } = run;
      await db.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('retention_run')
          .values({ tenant_id: tenantId, run_id: runId, actions: sql`${[...actions]}::text[]`, dry_run: dryRun })
          .execute();
        await appendAuditEvent(transaction, audit, {
          tenantId,
          action: 'retention.run',
          objectType: 'retention_run',
          objectId: runId,
          outcome: 'success',
          changes: { actions, dry_run: dryRun },
        });
      });
    },

    async findById(tenantId: string, runId: string, signal?: AbortSignal): Promise<RetentionRun | undefined> {
      const row = await db
        .selectFrom('retention_run')
        .select(columns)
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .executeTakeFirst(cancelledBy(signal));
      return row && toRun(row);
    },

    /** Those of the runs that exist, of whatever tenants, in any order. */
    async listByIds(ids: readonly Pick<RetentionRun, 'tenantId' | 'runId'>[]): Promise<RetentionRun[]> {
      const { rows } = await sql<Row>`
        select run_id, tenant_id, state, dry_run, archived, deleted
        from unnest(${ids.map(({ tenantId }) => tenantId)}::text[], ${ids.map(({ runId }) => runId)}::uuid[])
          as asked (tenant_id, run_id)
        join retention_run using (tenant_id, run_id)
      `.execute(db);
      return rows.map(toRun);
    },
  };
}

const columns = ['run_id', 'tenant_id', 'state', 'dry_run', 'archived', 'deleted'] as const;
type Row = Pick<Selectable<Schema['retention_run']>, (typeof columns)[number]>;

function toRun({ run_id: runId, tenant_id: tenantId, dry_run: dryRun, ...rest }: Row): RetentionRun {
  return { runId, tenantId, dryRun, ...rest };
}
