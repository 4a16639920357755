import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { NewRetentionRun, RetentionRun } from './retention-run.ts';

export type RetentionRunRepository = ReturnType<typeof createRetentionRunRepository>;

export function createRetentionRunRepository(db: Kysely<Schema>) {
  return {
    /** Asks for a run. A retention worker carries it out. */
    async insert(run: NewRetentionRun): Promise<void> {
      await db
        .insertInto('retention_run')
        .values({
          tenant_id: run.tenantId,
          run_id: run.runId,
          actions: sql`${[...run.actions]}::text[]`,
          dry_run: run.dryRun,
        })
        .execute();
    },

    async findById(tenantId: string, runId: string, signal?: AbortSignal): Promise<RetentionRun | undefined> {
      const row = await db
        .selectFrom('retention_run')
        .select(['run_id', 'tenant_id', 'state', 'dry_run', 'archived', 'deleted'])
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .executeTakeFirst(cancelledBy(signal));
      if (row === undefined) return undefined;
      const { run_id: id, tenant_id, dry_run: dryRun, ...rest } = row;
      return { runId: id, tenantId: tenant_id, dryRun, ...rest };
    },
  };
}
