import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import type { EventLog, LogPage, LogQuery, LogRow } from './event-log.ts';
import { isBefore, startOf, type EventPosition } from './event-position.ts';
import { readStatement, type Answer } from './read-events.sql.ts';

/** Reads the log in an order in which no row can appear later before one that was read. */
export function createEventRepository(db: Kysely<Schema>): EventLog {
  return {
    async read(query: LogQuery): Promise<LogPage> {
      const { rows: answers } = await readStatement(query).execute(db, cancelledBy(query.signal));
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
