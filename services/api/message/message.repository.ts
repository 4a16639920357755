import { sql, type Kysely } from 'kysely';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { logEventsOf } from '@memory-layer/shared/events/log-events-of';
import type { MessageWithStatus } from './message.ts';
import type { MessageCursor } from './message-cursor.ts';

export interface ListFilter {
  readonly tenantId: string;
  readonly conversationId: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly after: MessageCursor | undefined;
  readonly limit: number;
  readonly generation: number;
  /** Ends the statement. */
  readonly signal?: AbortSignal | undefined;
}

export type DeleteOutcome = 'deleted' | 'held' | 'absent';
export type MessageRepository = ReturnType<typeof createMessageRepository>;

export function createMessageRepository(db: Kysely<Schema>) {
  return {
    async findById(
      tenantId: string,
      id: string,
      generation: number,
      signal?: AbortSignal,
    ): Promise<MessageWithStatus | undefined> {
      const row = await selectMessages(db, tenantId, generation)
        .where('message.id', '=', id)
        .executeTakeFirst(cancelledBy(signal));
      return row === undefined ? undefined : toMessage(row);
    },

    /** A page in the order of (created_at, id), after the cursor when there is one. */
    async list(filter: ListFilter): Promise<MessageWithStatus[]> {
      const { after, conversationId, order } = filter;
      const beyond = sql.raw(order === 'asc' ? '>' : '<');
      const rows = await selectMessages(db, filter.tenantId, filter.generation)
        .$if(conversationId !== undefined, (query) => query.where('message.conversation_id', '=', conversationId ?? ''))
        .$if(after !== undefined, (query) =>
          query.where(
            sql<boolean>`(message.created_at, message.id) ${beyond} (${after?.createdAt}, ${after?.id}::uuid)`,
          ),
        )
        .orderBy('message.created_at', order)
        .orderBy('message.id', order)
        .limit(filter.limit)
        .execute(cancelledBy(filter.signal));
      return rows.map(toMessage);
    },

    /**
     * Deletes a message with everything derived from it, or its archived copy. A legal hold of its
     * conversation or tenant keeps it.
     */
    async deleteById(tenantId: string, id: string, signal?: AbortSignal): Promise<DeleteOutcome> {
      const result = await sql<{ outcome: DeleteOutcome }>`
        with target as (
          select conversation_id from message where tenant_id = ${tenantId} and id = ${id}::uuid
          union all
          select conversation_id from archived_message where tenant_id = ${tenantId} and id = ${id}::uuid
        ), hold as (
          select 1 from retention_policy where tenant_id = ${tenantId} and legal_hold
          union all
          select 1 from conversation c join target t using (conversation_id)
          where c.tenant_id = ${tenantId} and c.legal_hold
        ), gone as (
          delete from message where tenant_id = ${tenantId} and id = ${id}::uuid and not exists (select from hold)
          returning id
        ), archived_gone as (
          delete from archived_message
          where tenant_id = ${tenantId} and id = ${id}::uuid and not exists (select from hold)
          returning id
        ), told as ${logEventsOf(tenantId, 'message.deleted', sql`(select id from gone union select id from archived_gone)`)}
        select case
          when not exists (select from target) then 'absent'
          when exists (select from hold) then 'held'
          else 'deleted'
        end as outcome
      `.execute(db, cancelledBy(signal));
      return result.rows[0]?.outcome ?? 'absent';
    },
  };
}

// Every table names the tenant by value: a column of another table would bring all partitions into the plan.
function selectMessages(db: Kysely<Schema>, tenantId: string, generation: number) {
  return db
    .selectFrom('message')
    .where('message.tenant_id', '=', tenantId)
    .select([
      'message.id',
      'message.tenant_id',
      'message.conversation_id',
      'message.role',
      'message.content',
      'message.metadata',
      'message.importance',
      'message.external_id',
      'message.created_at',
      'message.updated_at',
      'message.expires_at',
    ])
    .select((eb) => [
      // Derived, so that it can never disagree with what is stored.
      sql<MessageWithStatus['embeddingStatus']>`case when exists (${eb
        .selectFrom('embedding')
        .where('embedding.tenant_id', '=', tenantId)
        .whereRef('embedding.message_id', '=', 'message.id')
        .where('embedding.generation', '=', generation)
        .select(sql.lit(1).as('one'))}) then 'completed' else coalesce((${eb
        .selectFrom('embedding_pending')
        .where('embedding_pending.tenant_id', '=', tenantId)
        .whereRef('embedding_pending.message_id', '=', 'message.id')
        .where('embedding_pending.generation', '=', generation)
        .select('embedding_pending.state')}), 'pending') end`.as('embedding_status'),
    ]);
}

type Row = Awaited<ReturnType<ReturnType<typeof selectMessages>['executeTakeFirstOrThrow']>>;

function toMessage(row: Row): MessageWithStatus {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    conversationId: row.conversation_id,
    role: row.role,
    content: row.content,
    metadata: row.metadata,
    importance: row.importance,
    externalId: row.external_id ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at ?? undefined,
    embeddingStatus: row.embedding_status,
  };
}
