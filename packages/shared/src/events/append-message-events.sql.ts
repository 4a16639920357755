import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Schema } from '../db/schema.ts';
import { maxIdsPerRow, type MessageEvents, type MessageEventType } from '../message/message-event.ts';

/**
 * Emits events of messages to the event log: one row for each entry, or several for very many ids. Call it in the
 * transaction that makes them true: nothing that was rolled back is published, and nothing that happened is left out.
 * Entries without ids are left out; nothing is sent when none has any.
 */
export async function appendMessageEvents(
  db: Kysely<Schema> | Transaction<Schema>,
  events: readonly MessageEvents[],
): Promise<void> {
  const rows = events.flatMap(({ tenantId, type, messageIds }) =>
    splitIds(messageIds).map((ids) => ({ tenant_id: tenantId, event_type: type, message_ids: ids })),
  );
  if (rows.length === 0) return;
  await db.insertInto('message_event').values(rows).execute();
}

function splitIds(ids: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let start = 0; start < ids.length; start += maxIdsPerRow) parts.push(ids.slice(start, start + maxIdsPerRow));
  return parts;
}

/** It returns no rows. */
type NoRows = Record<string, never>;

/**
 * The insert that emits events of the messages that another part of the same statement changed; none when it changed
 * none. In parentheses, as a `with` clause has it.
 *
 * @param rows a common table expression, or a query in parentheses, with a column `id`.
 */
export function emitEvents(tenantId: string, type: MessageEventType, rows: RawBuilder<unknown>): RawBuilder<NoRows> {
  return sql<NoRows>`(
    insert into message_event (tenant_id, event_type, message_ids)
    select ${tenantId}::text, ${type}::text, array_agg(id order by id)
    from (select id, (row_number() over (order by id) - 1) / ${sql.lit(maxIdsPerRow)} as part from ${rows} as source)
      as numbered
    group by part
    order by part)`;
}
