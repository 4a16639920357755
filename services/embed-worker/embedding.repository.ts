import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { completeMessages, type EmbeddedMessage } from './complete-messages.ts';
import { leaseMessages, type Lease, type LeasedMessage, type LeaseRequest, type TenantWork } from './lease-messages.ts';

export type EmbeddingRepository = ReturnType<typeof createEmbeddingRepository>;

export function createEmbeddingRepository(db: Kysely<Schema>) {
  return {
    /** See {@link leaseMessages}. */
    lease(request: LeaseRequest): Promise<Lease> {
      return leaseMessages(db, request);
    },

    /** See {@link completeMessages}. */
    complete(work: TenantWork, messages: readonly EmbeddedMessage[]): Promise<number> {
      return completeMessages(db, work, messages);
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

/**
 * Rows that still carry the lease we took. Another worker's later lease has a higher attempt count; a row that it
 * gave back has our count again, but is leased by nobody.
 */
function leasedByUs(work: TenantWork, messages: readonly LeasedMessage[]) {
  return sql`p.tenant_id = ${work.tenantId} and p.generation = ${work.generation} and p.leased_until is not null
    and (p.message_id, p.attempts) in (
      select * from unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.attempts)}::int[]))`;
}
