import type { Schema } from '@memory-layer/shared/db/schema';
import { findHalfvecOid } from '@memory-layer/shared/db/halfvec';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { sql, type Kysely } from 'kysely';
import { completeMessages } from './complete-messages.sql.ts';
import { leaseMessages } from './lease-messages.sql.ts';
import type { EmbeddedBatch, LeasedBatch, LeasedMessage, LeaseRequest, LeaseResult, TenantWork } from './lease.ts';

export type EmbeddingRepository = ReturnType<typeof createEmbeddingRepository>;

export function createEmbeddingRepository(db: Kysely<Schema>) {
  let halfvecOid: number | undefined;

  return {
    /** See {@link leaseMessages}. */
    lease(requests: readonly LeaseRequest[]): Promise<LeaseResult[]> {
      return leaseMessages(db, requests);
    },

    /** See {@link completeMessages}. */
    async complete(batches: readonly EmbeddedBatch[]): Promise<number[]> {
      try {
        halfvecOid ??= await findHalfvecOid(db);
        return await completeMessages(db, batches, halfvecOid);
      } catch (error) {
        // The database may be another one by now, restored from a dump: its numbers differ.
        halfvecOid = undefined;
        throw error;
      }
    },

    /** Lets leases that are still ours last for `leaseMs` from now. Leaves out what is being settled just now. */
    async renew(batches: readonly LeasedBatch[], leaseMs: number): Promise<void> {
      const held = batches.flatMap(({ work, messages }) => messages.map((message) => ({ ...work, ...message })));
      await sql`
        with held as materialized (
          select p.tenant_id, p.message_id, p.generation from embedding_pending p
          join unnest(${held.map((m) => m.tenantId)}::text[], ${held.map((m) => m.messageId)}::uuid[],
                      ${held.map((m) => m.generation)}::int[], ${held.map((m) => m.attempts)}::int[])
            as ours (tenant_id, message_id, generation, attempts)
            on p.tenant_id = ours.tenant_id and p.message_id = ours.message_id
            and p.generation = ours.generation and p.attempts = ours.attempts
          where p.leased_until is not null
          for update of p skip locked
        )
        update embedding_pending p set leased_until = now() + ${leaseMs} * interval '1 millisecond'
        from held
        where p.tenant_id = held.tenant_id and p.message_id = held.message_id and p.generation = held.generation
      `.execute(db);
    },

    /**
     * Gives messages back without an attempt counted: they were not at fault. Due after the delay; without one they
     * keep their place before those that became due later.
     */
    async defer(
      work: TenantWork,
      messages: readonly LeasedMessage[],
      delayMs: number | undefined,
      reason: string | null,
    ): Promise<void> {
      await sql`
        update embedding_pending p
        set attempts = greatest(p.attempts - 1, 0), leased_until = null, last_error = coalesce(${reason}, p.last_error),
            due_at = coalesce(now() + ${delayMs ?? null}::float8 * interval '1 millisecond', p.due_at)
        where ${leasedByUs(work, messages)}
      `.execute(db);
    },

    /** Lets messages wait before their next attempt. */
    async retryLater(
      work: TenantWork,
      messages: readonly LeasedMessage[],
      delayMs: number,
      reason: string,
    ): Promise<void> {
      await sql`
        update embedding_pending p
        set leased_until = null, last_error = ${reason}, due_at = now() + ${delayMs} * interval '1 millisecond'
        where ${leasedByUs(work, messages)}
      `.execute(db);
    },

    /** Gives messages up, visibly. */
    async fail(work: TenantWork, messages: readonly LeasedMessage[], reason: string): Promise<void> {
      await db.transaction().execute(async (transaction) => {
        const failed = await sql<{ message_id: string }>`
          update embedding_pending p
          set state = 'failed', failed_at = now(), leased_until = null, last_error = ${reason}
          where ${leasedByUs(work, messages)}
          returning p.message_id
        `.execute(transaction);
        const messageIds = failed.rows.map((row) => row.message_id);
        await appendMessageEvents(transaction, [{ tenantId: work.tenantId, type: 'message.failed', messageIds }]);
      });
    },

    /** Ends all leases. Only for a process that is the database's one and only worker. */
    async releaseAll(): Promise<void> {
      await sql`update embedding_pending set leased_until = null where leased_until is not null`.execute(db);
    },

    /**
     * Tenants with messages that are due for longer than `graceMs`: their job was lost. Rows that were leased in
     * vain because their message is not there are deleted: nothing but a hand in the database leaves such rows.
     */
    async listOverdue(graceMs: number, limit: number): Promise<TenantWork[]> {
      const result = await sql<{ tenant_id: string; generation: number }>`
        with orphan as (
          delete from embedding_pending p
          where p.state = 'pending' and p.attempts >= 2 and p.due_at <= now() - ${graceMs} * interval '1 millisecond'
            and (p.leased_until is null or p.leased_until <= now())
            and not exists (select from message m where m.tenant_id = p.tenant_id and m.id = p.message_id)
        )
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

/**
 * Rows that still carry the lease we took. Another worker's later lease has a higher attempt count; a row that it
 * gave back has our count again, but is leased by nobody.
 */
function leasedByUs(work: TenantWork, messages: readonly LeasedMessage[]) {
  return sql`p.tenant_id = ${work.tenantId} and p.generation = ${work.generation} and p.leased_until is not null
    and (p.message_id, p.attempts) in (
      select * from unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.attempts)}::int[]))`;
}
