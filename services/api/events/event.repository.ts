import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { sql, type Kysely } from 'kysely';
import type { EventLog, LogPage, LogQuery, LogRow } from './event-log.ts';
import { isBefore, startOf, type EventPosition } from './event-position.ts';

/** The state of the log, the same in every row of an answer, and a row of the log unless there is none. */
interface Answer {
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

/** Reads the log in an order in which no row can appear later before one that was read. */
export function createEventRepository(db: Kysely<Schema>): EventLog {
  return {
    async read(query: LogQuery): Promise<LogPage> {
      const { rows: answers } = await readQuery(query).execute(db, cancelledBy(query.signal));
      const [state] = answers;
      if (state === undefined) throw new Error('the event log did not answer');
      const rows = answers.filter((answer) => answer.tenant_id !== null).map((row) => toLogRow(row, query.from));
      const last = rows.length === query.limit ? rows.at(-1) : undefined;
      const isBroken = query.from !== undefined && isOutOfLog(query.from, state);
      return {
        rows: isBroken ? [] : rows,
        next: isBroken || last === undefined ? startOf(BigInt(state.horizon)) : behind(last),
        isEnd: isBroken || last === undefined,
        isBroken,
      };
    },
  };
}

/**
 * Everything in one statement, so under one snapshot: below its `xmin` no transaction runs any more, so what is
 * visible there is all that will ever be there. The statement of `read`, for tests that look at its plan.
 */
export function readQuery({ tenantIds, from, limit }: LogQuery) {
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

/**
 * Rows from that place on were pruned, or it is a place that this database has not come to: of another server, or of
 * before a restore. What was pruned beyond the ceiling came with a restore too, and says nothing.
 */
function isOutOfLog(from: EventPosition, state: Answer): boolean {
  const ceiling = BigInt(state.ceiling);
  if (from.transactionId > ceiling) return true;
  if (state.pruned_transaction_id === null || state.pruned_event_id === null) return false;
  const pruned = { transactionId: BigInt(state.pruned_transaction_id), eventId: BigInt(state.pruned_event_id) };
  return pruned.transactionId < ceiling && !isBefore(pruned, from);
}

function toLogRow(answer: Answer, from: EventPosition | undefined): LogRow {
  const [transactionId, eventId] = [BigInt(answer.transaction_id), BigInt(answer.event_id)];
  const isBegun = from?.transactionId === transactionId && from.eventId === eventId;
  return {
    tenantId: answer.tenant_id ?? '',
    transactionId,
    eventId,
    type: answer.event_type,
    messageIds: answer.message_ids,
    firstIndex: isBegun ? from.index : 0,
    at: answer.created_at,
    ageSeconds: answer.age_seconds,
  };
}

function behind({ transactionId, eventId }: LogRow): EventPosition {
  return { transactionId, eventId: eventId + 1n, index: 0 };
}
