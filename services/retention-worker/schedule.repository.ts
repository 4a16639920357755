import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

export interface RunKey {
  readonly tenantId: string;
  readonly runId: string;
}

export type ScheduleRepository = ReturnType<typeof createScheduleRepository>;

/** The only queries of retention that look at all tenants. */
export function createScheduleRepository(db: Kysely<Schema>) {
  return {
    /** A page of tenants in the order of their ids, behind `after`. With `among`, only those of the list. */
    async listTenantIds(after: string, limit: number, among: readonly string[] | undefined): Promise<string[]> {
      const page = db
        .selectFrom('tenant')
        .select('tenant_id')
        .where('tenant_id', '>', after)
        .orderBy('tenant_id')
        .limit(limit);
      const rows = await (among === undefined ? page : page.where('tenant_id', 'in', among)).execute();
      return rows.map((row) => row.tenant_id);
    },

    /**
     * Asks for a run of each tenant that has none open, none completed since `recentSince`, and is older than
     * that itself: a schedule may fire early, when it is new or Redis has lost its memory.
     */
    async insertRuns(asked: readonly RunKey[], now: Date, recentSince: Date): Promise<RunKey[]> {
      const tenantIds = asked.map((run) => run.tenantId);
      const runIds = asked.map((run) => run.runId);
      const inserted = await sql<RunKey>`
        insert into retention_run (tenant_id, run_id, actions, dry_run, requested_at)
        select tenant.tenant_id, asked.run_id, '{archive,delete}', false, ${now}
        from unnest(${tenantIds}::text[], ${runIds}::uuid[]) as asked (tenant_id, run_id)
        join tenant on tenant.tenant_id = asked.tenant_id
        where tenant.created_at <= ${recentSince}
          and not exists (
            select from retention_run
            where retention_run.tenant_id = tenant.tenant_id
              and not retention_run.dry_run
              and (
                retention_run.state in ('queued', 'running')
                or (retention_run.state = 'completed' and retention_run.requested_at > ${recentSince})
              )
          )
        returning tenant_id as "tenantId", run_id as "runId"`.execute(db);
      return inserted.rows;
    },

    /** Open runs that nobody seems to work on, oldest first. */
    async listStuckRuns(queuedBefore: Date, startedBefore: Date, limit: number): Promise<RunKey[]> {
      return (
        db
          .selectFrom('retention_run')
          .select(['tenant_id as tenantId', 'run_id as runId'])
          // Said once more as the index says it, so that the planner takes the index.
          .where(sql<boolean>`state in ('queued', 'running')`)
          .where((eb) =>
            eb.or([
              eb.and([eb('state', '=', 'queued'), eb('requested_at', '<', queuedBefore)]),
              eb.and([eb('state', '=', 'running'), eb('started_at', '<', startedBefore)]),
            ]),
          )
          .orderBy('requested_at')
          .limit(limit)
          .execute()
      );
    },

    /** @returns how many were deleted: fewer than `limit` when none is left. */
    async deleteExpiredIdempotencyKeys(now: Date, limit: number): Promise<number> {
      const result = await sql`
        with expired as (
          select tenant_id, idempotency_key from idempotency_key
          where expires_at <= ${now} order by expires_at limit ${limit} for update skip locked
        )
        delete from idempotency_key using expired
        where idempotency_key.tenant_id = expired.tenant_id
          and idempotency_key.idempotency_key = expired.idempotency_key`.execute(db);
      return Number(result.numAffectedRows ?? 0n);
    },
  };
}
