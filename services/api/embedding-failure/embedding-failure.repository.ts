import { insertAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { instantFromColumn } from '@memory-layer/shared/time/instant';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { EmbeddingFailure, FailureScope } from './embedding-failure.ts';

export interface FailurePage extends FailureScope {
  /** Only messages with a smaller id, which are older. */
  readonly before: string | undefined;
  readonly limit: number;
  /** Ends the statement. */
  readonly signal?: AbortSignal;
}

interface FailureRow {
  readonly message_id: string;
  readonly conversation_id: string;
  readonly last_error: string | null;
  readonly attempts: number;
  readonly failed_at: Date | null;
  readonly created_at: string;
}

export type EmbeddingFailureRepository = ReturnType<typeof createEmbeddingFailureRepository>;

export function createEmbeddingFailureRepository(db: Kysely<Schema>) {
  return {
    /** Failed messages, the last stored first. */
    async list(page: FailurePage): Promise<EmbeddingFailure[]> {
      const result = await sql<FailureRow>`
        select p.message_id, m.conversation_id, p.last_error, p.attempts, p.failed_at,
          ${instantColumn('m.created_at')} as created_at
        from (${failedPage(page)}) p
        join message m on m.tenant_id = ${page.tenantId} and m.id = p.message_id
        order by p.message_id desc
      `.execute(db, cancelledBy(page.signal));
      return result.rows.map((row) => ({
        messageId: row.message_id,
        conversationId: row.conversation_id,
        reason: row.last_error ?? undefined,
        attempts: row.attempts,
        failedAt: row.failed_at ?? undefined,
        createdAt: instantFromColumn(row.created_at),
      }));
    },

    /** Ids of failed messages, the last stored first. */
    async listIds(page: FailurePage): Promise<string[]> {
      const result = await failedPage(page).execute(db, cancelledBy(page.signal));
      return result.rows.map((row) => row.message_id);
    },

    /**
     * Makes these pending again, where they are failed: as if they had just been stored, but for the reason, which
     * stays until there is a new outcome. The ids are a constant of the statement, so that they are looked up in the
     * index and in its order, whatever the planner believes of the table.
     *
     * @param audit whom the audit log names, when there were any; undefined: nothing is written to it.
     * @returns the ids of those that were.
     */
    async retry(scope: FailureScope, messageIds: readonly string[], audit: AuditOrigin | undefined): Promise<string[]> {
      const retried = sql<{ message_id: string }>`
        update embedding_pending p
        set state = 'pending', attempts = 0, due_at = now(), created_at = now(), leased_until = null, failed_at = null
        where ${isFailed(scope)} and p.message_id = any(${[...messageIds]}::uuid[])
        returning p.message_id`;
      const result = await (
        audit === undefined ? retried : withAudit(retried, { tenantId: scope.tenantId, messageIds, audit })
      ).execute(db);
      return result.rows.map((row) => row.message_id);
    },

    /** Which of these ids are messages of the tenant that have not expired. */
    async findExisting(tenantId: string, messageIds: readonly string[]): Promise<string[]> {
      const rows = await db
        .selectFrom('message')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', sql<string>`any(${[...messageIds]}::uuid[])`)
        .where(isUnexpired('message'))
        .execute();
      return rows.map((row) => row.id);
    },
  };
}

interface RetryAudit {
  readonly tenantId: string;
  readonly messageIds: readonly string[];
  readonly audit: AuditOrigin;
}

/** One entry for all that were retried together: a message by its id, several by their number. */
function withAudit(retried: RawBuilder<{ message_id: string }>, { tenantId, messageIds, audit }: RetryAudit) {
  const objectId = messageIds.length === 1 ? messageIds[0] : undefined;
  const told = sql`(
    select 'success' as outcome, jsonb_build_object('messages', count(*)) as changes from retried having count(*) > 0)`;
  return sql<{ message_id: string }>`
    with retried as (${retried}
    ), audited as ${insertAuditEvent(audit, { tenantId, action: 'embedding.retry', objectType: 'message', objectId }, told)}
    select message_id from retried`;
}

/** Of a message that has not expired. */
function isFailed({ tenantId, generation }: FailureScope) {
  return sql`p.tenant_id = ${tenantId} and p.generation = ${generation} and p.state = 'failed' and not exists (
      select from message m where m.tenant_id = ${tenantId} and m.id = p.message_id and not ${isUnexpired('m')})`;
}

function failedPage(page: FailurePage) {
  return sql<{ message_id: string }>`
    select p.message_id, p.last_error, p.attempts, p.failed_at from embedding_pending p
    where ${isFailed(page)} and ${page.before === undefined ? sql`true` : sql`p.message_id < ${page.before}::uuid`}
    order by p.message_id desc
    limit ${page.limit}`;
}
