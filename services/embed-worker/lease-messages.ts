import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

export interface TenantWork {
  readonly tenantId: string;
  readonly generation: number;
}

/** A pending message that this worker has leased, with what it needs to be embedded. */
export interface LeasedMessage {
  readonly messageId: string;
  readonly content: string;
  readonly contentHash: Buffer;
  /** Times it was leased, this one included. */
  readonly attempts: number;
}

export interface LeaseRequest extends TenantWork {
  readonly limit: number;
  readonly leaseMs: number;
}

export interface Lease {
  readonly messages: readonly LeasedMessage[];
  /** Other messages of the tenant may be due as well. */
  readonly mayLeaveMore: boolean;
}

// From this lease on a message is taken alone: what killed a worker before must not take others with it.
const aloneFromAttempt = 3;

const isSuspect = sql<boolean>`(attempts >= ${aloneFromAttempt - 1})`;

interface LeasedRow {
  readonly message_id: string;
  readonly content: string;
  readonly content_hash: Buffer;
  readonly attempts: number;
}

/**
 * Takes due messages of a tenant for `leaseMs`, counting an attempt for each. Messages that were leased often
 * without an outcome are taken one at a time: behind the others, unless they have waited for longer than a lease.
 */
export async function leaseMessages(db: Kysely<Schema>, request: LeaseRequest): Promise<Lease> {
  const aloneFirst = await suspectIsOverdue(db, request);
  for (const alone of [aloneFirst, !aloneFirst]) {
    const messages = await leaseWhere(db, request, alone);
    if (messages.length > 0) return { messages, mayLeaveMore: alone || messages.length === request.limit };
  }
  return { messages: [], mayLeaveMore: false };
}

/** Whether the message that is due longest is a suspect, and has been for longer than a lease lasts. */
async function suspectIsOverdue(db: Kysely<Schema>, request: LeaseRequest): Promise<boolean> {
  const result = await sql<{ overdue: boolean }>`
    select ${isSuspect} and due_at <= now() - ${request.leaseMs} * interval '1 millisecond' as overdue
    from embedding_pending
    where ${isDue(request)}
    order by due_at, message_id
    limit 1
  `.execute(db);
  return result.rows[0]?.overdue ?? false;
}

async function leaseWhere(db: Kysely<Schema>, request: LeaseRequest, alone: boolean): Promise<LeasedMessage[]> {
  const { tenantId, generation } = request;
  const result = await sql<LeasedRow>`
    with due as (
      select message_id from embedding_pending
      where ${isDue(request)} and ${alone ? isSuspect : sql`not ${isSuspect}`}
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

function isDue({ tenantId, generation }: TenantWork) {
  return sql`tenant_id = ${tenantId} and generation = ${generation} and state = 'pending'
    and due_at <= now() and (leased_until is null or leased_until <= now())`;
}
