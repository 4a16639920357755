import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { sql, type RawBuilder } from 'kysely';
import type { LogQuery } from './event-log.ts';
import { startOf } from './event-position.ts';

/** The state of the log, the same in every row of an answer, and a row of the log unless there is none. */
export interface Answer {
  readonly horizon: string;
  readonly ceiling: string;
  readonly pruned_transaction_id: string | null;
  readonly pruned_event_id: string | null;
  readonly tenant_id: string | null;
  readonly transaction_id: string;
  readonly event_id: string;
  readonly event_type: MessageEventType;
  readonly message_ids: string[];
  readonly created_at: Date;
  readonly age_seconds: number;
}

/**
 * Everything in one statement, so under one snapshot: below its `xmin` no transaction runs any more, so what is
 * visible there is all that will ever be there.
 */
export function readStatement({ tenantIds, from, limit }: LogQuery): RawBuilder<Answer> {
  const position = from ?? startOf(2n ** 64n - 1n);
  return sql<Answer>`
    select now_at.horizon, now_at.ceiling,
      pruned.transaction_id as pruned_transaction_id, pruned.event_id as pruned_event_id,
      page.*, extract(epoch from clock_timestamp() - page.created_at)::float8 as age_seconds
    from (select pg_snapshot_xmin(s) as horizon, pg_snapshot_xmax(s) as ceiling from pg_current_snapshot() s) now_at
    left join message_event_pruned pruned on true
    left join lateral (
      select e.* from unnest(${tenantIds}::text[]) as subscribed (tenant_id)
      cross join lateral (
        select tenant_id, transaction_id, event_id, event_type, message_ids, created_at
        from message_event e
        where e.tenant_id = subscribed.tenant_id and e.transaction_id < now_at.horizon
          and (e.transaction_id, e.event_id) >= (${String(position.transactionId)}::xid8, ${String(position.eventId)}::bigint)
        order by e.transaction_id, e.event_id
        limit ${limit}
      ) e
      order by e.transaction_id, e.event_id
      limit ${limit}
    ) page on true
    order by page.transaction_id, page.event_id
  `;
}
