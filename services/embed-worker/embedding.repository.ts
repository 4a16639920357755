import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { sql, type Kysely } from 'kysely';

/** A pending message that this worker has leased, with what it needs to be embedded. */
export interface LeasedMessage {
  readonly messageId: string;
  readonly content: string;
  readonly contentHash: Buffer;
  /** Times it was leased, this one included. */
  readonly attempts: number;
}

export interface LeaseRequest {
  readonly tenantId: string;
  readonly generation: number;
  readonly limit: number;
  readonly leaseMs: number;
}

/** A message with the vectors of its passages, in order. */
export interface EmbeddedMessage extends LeasedMessage {
  readonly vectors: readonly Float32Array[];
}

export interface TenantWork {
  readonly tenantId: string;
  readonly generation: number;
}

// From this lease on a message is taken alone: what killed a worker before must not take others with it.
const aloneFromAttempt = 3;

interface LeasedRow {
  readonly message_id: string;
  readonly content: string;
  readonly content_hash: Buffer;
  readonly attempts: number;
  readonly role: Role;
}

export type EmbeddingRepository = ReturnType<typeof createEmbeddingRepository>;

export function createEmbeddingRepository(db: Kysely<Schema>) {
  async function leaseWhere(request: LeaseRequest, alone: boolean): Promise<LeasedMessage[]> {
    const { tenantId, generation } = request;
    const suspects = alone ? sql`attempts >= ${aloneFromAttempt - 1}` : sql`attempts < ${aloneFromAttempt - 1}`;
    const result = await sql<LeasedRow>`
      with due as (
        select message_id from embedding_pending
        where tenant_id = ${tenantId} and generation = ${generation} and state = 'pending'
          and due_at <= now() and (leased_until is null or leased_until <= now()) and ${suspects}
        order by due_at, message_id
        limit ${alone ? 1 : request.limit}
        for update skip locked
      ), leased as (
        update embedding_pending p
        set attempts = p.attempts + 1, leased_until = now() + ${request.leaseMs} * interval '1 millisecond'
        from due
        where p.tenant_id = ${tenantId} and p.generation = ${generation} and p.message_id = due.message_id
        returning p.message_id, p.content_hash, p.attempts
      )
      select leased.message_id, leased.content_hash, leased.attempts, m.content
      from leased join message m on m.tenant_id = ${tenantId} and m.id = leased.message_id
    `.execute(db);
    return result.rows.map((row) => ({
      messageId: row.message_id,
      content: row.content,
      contentHash: row.content_hash,
      attempts: row.attempts,
    }));
  }

  return {
    /**
     * Takes due messages of a tenant for `leaseMs`, counting an attempt for each. Messages that were leased
     * often without an outcome are taken one at a time.
     */
    async lease(request: LeaseRequest): Promise<LeasedMessage[]> {
      const fresh = await leaseWhere(request, false);
      return fresh.length > 0 ? fresh : leaseWhere(request, true);
    },

    /**
     * Writes the vectors and deletes the pending rows, in one transaction, for the messages that still exist
     * with the content that was embedded. Doing it twice changes nothing.
     *
     * @returns how many messages were written.
     */
    async complete(work: TenantWork, messages: readonly EmbeddedMessage[]): Promise<number> {
      const { tenantId, generation } = work;
      const passages = messages.flatMap((message) =>
        message.vectors.map((vector, passageNo) => ({ id: message.messageId, passageNo, vector })),
      );
      return db.transaction().execute(async (transaction) => {
        const current = await sql<{ id: string }>`
          select m.id from message m
          join unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.contentHash)}::bytea[])
            as done (id, content_hash) on m.id = done.id and m.content_hash = done.content_hash
          where m.tenant_id = ${tenantId}
          order by m.id
          for key share of m
        `.execute(transaction);
        const ids = current.rows.map((row) => row.id);
        await sql`
          insert into embedding (tenant_id, message_id, generation, passage_no, vector,
                                 conversation_id, role, importance, created_at)
          select m.tenant_id, m.id, ${generation}::int, p.passage_no, p.vector::halfvec,
                 m.conversation_id, m.role, m.importance, m.created_at
          from unnest(${passages.map((p) => p.id)}::uuid[], ${passages.map((p) => p.passageNo)}::smallint[],
                      ${passages.map((p) => toVectorLiteral(p.vector))}::text[]) as p (id, passage_no, vector)
          join message m on m.tenant_id = ${tenantId} and m.id = p.id
          where p.id = any(${ids}::uuid[])
          on conflict on constraint embedding_pkey do update set vector = excluded.vector
        `.execute(transaction);
        await sql`
          delete from embedding_pending p
          using unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.contentHash)}::bytea[])
            as done (id, content_hash)
          where p.tenant_id = ${tenantId} and p.generation = ${generation}
            and p.message_id = done.id and p.content_hash = done.content_hash
        `.execute(transaction);
        return ids.length;
      });
    },

    /** Gives messages back without an attempt counted: they were not at fault. Due after the delay. */
    async defer(
      work: TenantWork,
      messages: readonly LeasedMessage[],
      delayMs: number,
      reason: string | null,
    ): Promise<void> {
      await sql`
        update embedding_pending p
        set attempts = greatest(p.attempts - 1, 0), leased_until = null, last_error = coalesce(${reason}, p.last_error),
            due_at = now() + ${delayMs} * interval '1 millisecond'
        where ${leasedByUs(work, messages)}
      `.execute(db);
    },

    /** Lets a message wait before its next attempt. */
    async retryLater(work: TenantWork, message: LeasedMessage, delayMs: number, reason: string): Promise<void> {
      await sql`
        update embedding_pending p
        set leased_until = null, last_error = ${reason}, due_at = now() + ${delayMs} * interval '1 millisecond'
        where ${leasedByUs(work, [message])}
      `.execute(db);
    },

    /** Gives messages up, visibly. */
    async fail(work: TenantWork, messages: readonly LeasedMessage[], reason: string): Promise<void> {
      await sql`
        update embedding_pending p
        set state = 'failed', leased_until = null, last_error = ${reason}
        where ${leasedByUs(work, messages)}
      `.execute(db);
    },

    /** Ends all leases. Only for a process that is the database's one and only worker. */
    async releaseAll(): Promise<void> {
      await sql`update embedding_pending set leased_until = null where leased_until is not null`.execute(db);
    },

    /** Tenants with messages that are due for longer than `graceMs`: nobody heard their bell. */
    async listOverdue(graceMs: number, limit: number): Promise<TenantWork[]> {
      const result = await sql<{ tenant_id: string; generation: number }>`
        select tenant_id, generation from embedding_pending
        where state = 'pending' and due_at <= now() - ${graceMs} * interval '1 millisecond'
          and (leased_until is null or leased_until <= now())
        group by tenant_id, generation
        order by min(due_at)
        limit ${limit}
      `.execute(db);
      return result.rows.map((row) => ({ tenantId: row.tenant_id, generation: row.generation }));
    },
  };
}

/** Rows that still carry the lease we took: another worker's later lease has a higher attempt count. */
function leasedByUs(work: TenantWork, messages: readonly LeasedMessage[]) {
  return sql`p.tenant_id = ${work.tenantId} and p.generation = ${work.generation} and (p.message_id, p.attempts) in (
    select * from unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.attempts)}::int[]))`;
}
