import { sql, type Kysely } from 'kysely';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { MessageWithStatus, StoredMessage } from './message.ts';
import type { MessageCursor } from './message-cursor.ts';

/** A message with what is stored beside it but never answered. */
export interface MessageRow extends StoredMessage {
  readonly contentHash: Buffer;
}

export interface ListFilter {
  readonly tenantId: string;
  readonly conversationId: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly after: MessageCursor | undefined;
  readonly limit: number;
  readonly generation: number;
}

export type DeleteOutcome = 'deleted' | 'held' | 'absent';
export type MessageRepository = ReturnType<typeof createMessageRepository>;

export function createMessageRepository(db: Kysely<Schema>) {
  return {
    /** Stores messages and their pending rows in one statement: all of them or none. */
    async insertWithPending(rows: readonly MessageRow[], generation: number): Promise<void> {
      const column = <T>(pick: (row: MessageRow) => T): T[] => rows.map(pick);
      await sql`
        with input as (
          select * from unnest(
            ${column((row) => row.tenantId)}::text[],
            ${column((row) => row.id)}::uuid[],
            ${column((row) => row.conversationId)}::text[],
            ${column((row) => row.role)}::text[],
            ${column((row) => row.content)}::text[],
            ${column((row) => JSON.stringify(row.metadata))}::jsonb[],
            ${column((row) => row.importance)}::float8[],
            ${column((row) => row.contentHash)}::bytea[],
            ${column((row) => row.createdAt)}::timestamptz[],
            ${column((row) => row.updatedAt)}::timestamptz[],
            ${column((row) => row.expiresAt ?? null)}::timestamptz[]
          ) as t (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                  created_at, updated_at, expires_at)
        ), known_tenant as (
          insert into tenant (tenant_id) select distinct tenant_id from input order by 1 on conflict do nothing
        ), stored as (
          insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                               created_at, updated_at, expires_at)
          select * from input
        )
        insert into embedding_pending (tenant_id, message_id, generation, content_hash)
        select tenant_id, id, ${generation}::int, content_hash from input
      `.execute(db);
    },

    async findById(tenantId: string, id: string, generation: number): Promise<MessageWithStatus | undefined> {
      const row = await selectMessages(db, tenantId, generation).where('message.id', '=', id).executeTakeFirst();
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
        .execute();
      return rows.map(toMessage);
    },

    /**
     * Deletes a message with everything derived from it, or its archived copy. A legal hold of its
     * conversation or tenant keeps it.
     */
    async deleteById(tenantId: string, id: string): Promise<DeleteOutcome> {
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
        ), archived_gone as (
          delete from archived_message
          where tenant_id = ${tenantId} and id = ${id}::uuid and not exists (select from hold)
        )
        select case
          when not exists (select from target) then 'absent'
          when exists (select from hold) then 'held'
          else 'deleted'
        end as outcome
      `.execute(db);
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
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at ?? undefined,
    embeddingStatus: row.embedding_status,
  };
}
