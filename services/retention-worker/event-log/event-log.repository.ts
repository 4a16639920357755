import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

export interface PruneRequest {
  readonly keepMinutes: number;
  /** Rows at most. */
  readonly limit: number;
}

export type EventLogRepository = ReturnType<typeof createEventLogRepository>;

export function createEventLogRepository(db: Kysely<Schema>) {
  return {
    /**
     * Deletes the next rows of the event log that are too old, oldest first, and notes how far it was cut, in one
     * statement. Rows that no reader could have read yet are kept, however old; rows that somebody else prunes right
     * now are passed over.
     *
     * @returns how many rows were deleted.
     */
    async prune({ keepMinutes, limit }: PruneRequest): Promise<number> {
      const result = await sql<{ rows: number }>`
        with snapshot as (
          select pg_snapshot_xmin(s) as horizon, pg_snapshot_xmax(s) as ceiling from pg_current_snapshot() s
        ), old as (
          select tenant_id, transaction_id, event_id from message_event
          where created_at < now() - ${keepMinutes} * interval '1 minute'
            -- Beyond the ceiling is what a restore brought from another server: nobody will ever read it.
            and (transaction_id < (select horizon from snapshot) or transaction_id >= (select ceiling from snapshot))
          order by created_at
          limit ${limit}
          for update skip locked
        ), gone as (
          delete from message_event using old
          where message_event.tenant_id = old.tenant_id and message_event.transaction_id = old.transaction_id
            and message_event.event_id = old.event_id
          returning message_event.transaction_id, message_event.event_id
        ), noted as (
          insert into message_event_pruned as pruned (transaction_id, event_id)
          select transaction_id, event_id from gone
          where transaction_id < (select ceiling from snapshot)
          order by transaction_id desc, event_id desc
          limit 1
          on conflict (one_row) do update set transaction_id = excluded.transaction_id, event_id = excluded.event_id
          where (excluded.transaction_id, excluded.event_id) > (pruned.transaction_id, pruned.event_id)
            or pruned.transaction_id >= (select ceiling from snapshot)
        )
        select count(*)::int as rows from gone
      `.execute(db);
      return result.rows[0]?.rows ?? 0;
    },
  };
}
