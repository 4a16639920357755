import type { Schema } from '@memory-layer/shared/db/schema';
import { speakerOf } from '@memory-layer/shared/message/speaker';
import { sql, type Kysely } from 'kysely';

export interface TenantWork {
  readonly tenantId: string;
  readonly generation: number;
}

/** A pending message that this worker has leased, with what it needs to be embedded. */
export interface LeasedMessage {
  readonly messageId: string;
  readonly content: string;
  /** Who said it, where that is known. */
  readonly speaker: string | undefined;
  readonly contentHash: Buffer;
  /** Times it was leased, this one included. */
  readonly attempts: number;
}

export interface LeaseRequest extends TenantWork {
  readonly limit: number;
  readonly leaseMs: number;
}

/** What to take of a tenant. */
export interface Ask extends LeaseRequest {
  /** Whether to take one suspect instead of the others; undefined: if a suspect has waited for longer than a lease. */
  readonly alone: boolean | undefined;
}

export interface Taken extends LeaseRequest {
  readonly alone: boolean;
  readonly messages: readonly LeasedMessage[];
}

interface LeasedRow {
  /** Place of the ask, from 1. */
  readonly place: string;
  readonly alone: boolean;
  readonly message_id: string | null;
  readonly content: string;
  readonly speaker: string | null;
  readonly content_hash: Buffer;
  readonly attempts: number;
}

// From this lease on a message is taken alone: what killed a worker before must not take others with it.
const aloneFromAttempt = 3;

const isSuspect = sql`(p.attempts >= ${sql.lit(aloneFromAttempt - 1)})`;

const isDue = sql`p.tenant_id = ask.tenant_id and p.generation = ask.generation and p.state = 'pending'
  and p.due_at <= now() and (p.leased_until is null or p.leased_until <= now())`;

/**
 * One round of leases, for several tenants in one statement. Tenants must differ: a statement does not skip what it
 * has locked itself.
 *
 * @returns what each ask got, in their order; messages longest due first.
 */
export async function takeLeases(db: Kysely<Schema>, asks: readonly Ask[], leaseMs: number): Promise<Taken[]> {
  if (asks.length === 0) return [];
  const lease = sql`${leaseMs} * interval '1 millisecond'`;
  const tenantIds = asks.map((ask) => ask.tenantId);
  const { rows } = await sql<LeasedRow>`
    with ask as materialized (
      select given.place, given.tenant_id, given.generation, given.max_messages,
             coalesce(given.alone, longest_due.is_overdue_suspect, false) as alone
      from unnest(${tenantIds}::text[], ${asks.map((ask) => ask.generation)}::int[],
                  ${asks.map((ask) => ask.limit)}::int[], ${asks.map((ask) => ask.alone ?? null)}::boolean[])
        with ordinality as given (tenant_id, generation, max_messages, alone, place)
      left join lateral (
        select ${isSuspect} and p.due_at <= now() - ${lease} as is_overdue_suspect
        from embedding_pending p join (select given.tenant_id, given.generation) as ask on true
        where given.alone is null and ${isDue}
        order by p.due_at, p.message_id
        limit 1
      ) as longest_due on true
    ), due as materialized (
      select ask.place, taken.*
      from ask cross join lateral (
        select p.tenant_id, p.generation, p.message_id from embedding_pending p
        where ${isDue} and ${isSuspect} = ask.alone
        order by p.due_at, p.message_id
        limit case when ask.alone then 1 else ask.max_messages end
        for update skip locked
      ) as taken
    ), leased as (
      update embedding_pending p
      set attempts = p.attempts + 1, leased_until = now() + ${lease}
      from due
      where p.tenant_id = due.tenant_id and p.generation = due.generation and p.message_id = due.message_id
      returning due.place, p.tenant_id, p.message_id, p.content_hash, p.attempts, p.due_at
    )
    select ask.place, ask.alone, m.id as message_id, m.content, ${speakerOf('m')} as speaker, leased.content_hash, leased.attempts
    from ask left join (
      leased join message m
        on m.tenant_id = any(${tenantIds}::text[]) and m.tenant_id = leased.tenant_id and m.id = leased.message_id
    ) on leased.place = ask.place
    order by ask.place, leased.due_at, leased.message_id
  `.execute(db);
  const byPlace = Map.groupBy(rows, (row) => Number(row.place));
  return asks.map((ask, index) => {
    const own = byPlace.get(index + 1) ?? [];
    return { ...ask, alone: own[0]?.alone ?? false, messages: own.flatMap(toMessage) };
  });
}

function toMessage(row: LeasedRow): LeasedMessage[] {
  if (row.message_id === null) return [];
  const { message_id: messageId, content, content_hash: contentHash, attempts } = row;
  return [{ messageId, content, speaker: row.speaker ?? undefined, contentHash, attempts }];
}
