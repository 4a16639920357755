import { insertAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { sql, type Kysely } from 'kysely';
import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import { requestLimits } from '../cost/request-cost.ts';
import { isWithinBytes, messageBytes } from '../cost/within-bytes.sql.ts';
import { instantFromColumn } from '@memory-layer/shared/time/instant';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { emitEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { partitionName, TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { embeddingStatusOf } from './embedding-status.sql.ts';
import type { EmbeddingStatus, MessageWithStatus } from './message.ts';
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

/** A page as far as one answer can hold it. */
export interface ListedMessages {
  readonly messages: readonly MessageWithStatus[];
  /** More of the page is there: what was left out is too large. */
  readonly isCut: boolean;
}

export type DeleteOutcome = 'deleted' | 'held' | 'absent';
export type MessageRepository = ReturnType<typeof createMessageRepository>;

/**
 * Reads name the tenant's partition, and the tenant by a value that the planner does not know: of a tenant that has come
 * since the last ANALYZE it would reckon with one row, and take any index that begins with the tenant for the right one.
 */
export function createMessageRepository(
  db: Kysely<Schema>,
  partitions: Pick<TenantPartitions, 'get'> = new TenantPartitions(db),
) {
  return {
    /** Also one that is archived. */
    async findById(
      tenantId: string,
      id: string,
      generation: number,
      signal?: AbortSignal,
    ): Promise<MessageWithStatus | undefined> {
      const table = sql.table(partitionName('message', await partitions.get(tenantId)));
      const tenant = sql`(select ${tenantId}::text)`;
      const result = await sql<Row>`
        select ${columns}, message.content, message.metadata, ${statusColumn(tenantId, generation)}, null as archived_at
        from ${table} message
        where message.tenant_id = ${tenant} and message.id = ${id}::uuid and ${isUnexpired('message')}
        union all
        select ${columns}, message.content, message.metadata, 'archived', ${instantColumn('message.archived_at')}
        from archived_message message
        where message.tenant_id = ${tenant} and message.id = ${id}::uuid and ${isUnexpired('message')}
        limit 1
      `.execute(db, cancelledBy(signal));
      return result.rows.map(toMessage)[0];
    },

    /** A page in the order of (created_at, id), after the cursor when there is one; as much of it as an answer holds. */
    async list(filter: ListFilter): Promise<ListedMessages> {
      const { tenantId, conversationId, after, limit, generation } = filter;
      const table = sql.table(partitionName('message', await partitions.get(tenantId)));
      const direction = sql.raw(filter.order);
      const beyond = sql.raw(filter.order === 'asc' ? '>' : '<');
      const inOrder = sql`message.created_at ${direction}, message.id ${direction}`;
      const fits = isWithinBytes(messageBytes(sql.ref('message')), inOrder, requestLimits.answerBytes);
      const result = await sql<Row | UnreadRow>`
        select ${columns}, ${statusColumn(tenantId, generation)},
               case when ${fits} then message.content end as content,
               case when ${fits} then message.metadata end as metadata
        from (
          select ${storedColumns} from ${table} message
          where message.tenant_id = (select ${tenantId}::text) and ${isUnexpired('message')}
            and ${conversationId === undefined ? sql`true` : sql`message.conversation_id = ${conversationId}`}
            and ${after === undefined ? sql`true` : sql`(message.created_at, message.id) ${beyond} (${after.createdAt}, ${after.id}::uuid)`}
          order by ${inOrder}
          limit ${limit}
        ) message
        order by ${inOrder}
      `.execute(db, cancelledBy(filter.signal));
      const read = result.rows.flatMap((row) => (row.content === null ? [] : [toMessage(row)]));
      return { messages: read, isCut: read.length < result.rows.length };
    },

    /**
     * Deletes a message with everything derived from it, or its archived copy; expired or not. A legal hold of its
     * conversation or tenant keeps it.
     *
     * @param audit whom the audit log names; undefined: nothing is written to it.
     */
    async deleteById(
      tenantId: string,
      id: string,
      audit: AuditOrigin | undefined,
      signal?: AbortSignal,
    ): Promise<DeleteOutcome> {
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
        ), logged as ${emitEvents(tenantId, 'message.deleted', sql`(select id from gone union select id from archived_gone)`)}
        , result as (
          select case
            when not exists (select from target) then 'absent'
            when exists (select from hold) then 'held'
            else 'deleted'
          end as outcome
        )${audit === undefined ? sql`` : sql`, audited as ${auditOfDelete(tenantId, id, audit)}`}
        select outcome from result
      `.execute(db, cancelledBy(signal));
      return result.rows[0]?.outcome ?? 'absent';
    },
  };
}

function auditOfDelete(tenantId: string, id: string, audit: AuditOrigin) {
  return insertAuditEvent(
    audit,
    { tenantId, action: 'message.delete', objectType: 'message', objectId: id.toLowerCase() },
    // By what was deleted: two requests at once may both have seen the message, and one has deleted it.
    sql`(
      select case when is_gone then 'success' when outcome = 'held' then 'refused' else 'failed' end as outcome,
        case when is_gone then '{}' when outcome = 'held' then '{"reason": "legal_hold"}' else '{"reason": "not_found"}' end::jsonb as changes
      from (
        select outcome, exists (select from gone) or exists (select from archived_gone) as is_gone from result
      ) as ended)`,
  );
}

const storedColumns = sql`message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
  message.external_id, message.created_at, message.updated_at, message.expires_at, message.content, message.metadata`;

const columns = sql`message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
  message.external_id, ${instantColumn('message.created_at')} as created_at,
  ${instantColumn('message.updated_at')} as updated_at, ${instantColumn('message.expires_at')} as expires_at`;

/** Of the row `message`. */
function statusColumn(tenantId: string, generation: number) {
  const status = embeddingStatusOf({
    tenantId: sql`${tenantId}`,
    id: sql.ref('message.id'),
    generation: sql`${generation}`,
  });
  return sql`${status} as embedding_status`;
}

interface Row {
  readonly id: string;
  readonly tenant_id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
  readonly importance: number;
  readonly external_id: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly embedding_status: EmbeddingStatus;
  readonly archived_at?: string | null;
}

/** A row that is too large to be read with those before it. */
type UnreadRow = Omit<Row, 'content' | 'metadata'> & { readonly content: null; readonly metadata: null };

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
    createdAt: instantFromColumn(row.created_at),
    updatedAt: instantFromColumn(row.updated_at),
    expiresAt: row.expires_at === null ? undefined : instantFromColumn(row.expires_at),
    embeddingStatus: row.embedding_status,
    archivedAt: row.archived_at == null ? undefined : instantFromColumn(row.archived_at),
  };
}
