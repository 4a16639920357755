import { sql, type RawBuilder } from 'kysely';
import { maxIdsPerRow, type MessageEventType } from '../message/message-event.ts';

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
