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
  /** Messages at most. */
  readonly limit: number;
  /** Estimated tokens of all of them at most; one message may have more. */
  readonly tokenBudget: number;
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
  /** Others of the kind may be due as well. */
  readonly isMore: boolean;
}

interface LeasedRow {
  /** Place of the ask, from 1. */
  readonly place: string;
  readonly alone: boolean;
  /** Null where nothing was taken. */
  readonly candidates: string | null;
  /** Null where the message is not there. */
  readonly message_id: string | null;
  readonly content: string;
  readonly speaker: string | null;
  readonly content_hash: Buffer;
  readonly attempts: number;
}

/** UTF-8 bytes a token, on the safe side for prose; what they become after normalisation is known once they are read. */
const bytesPerToken = 3;

/** Estimated tokens of a message, as a lease counts them. */
export function estimateLeasedTokens({ content }: Pick<LeasedMessage, 'content'>): number {
  return Math.ceil(Buffer.byteLength(content) / bytesPerToken);
}

// From this lease on a message is taken alone: what killed a worker before must not take others with it.
const aloneFromAttempt = 3;

const isSuspect = sql`(p.attempts >= ${sql.lit(aloneFromAttempt - 1)})`;

const isDue = sql`p.tenant_id = ask.tenant_id and p.generation = ask.generation and p.state = 'pending'
  and p.due_at <= now() and (p.leased_until is null or p.leased_until <= now())`;

/**
 * One round of leases, for several tenants in one statement. Tenants must differ: a statement does not skip what it
 * has locked itself. Messages are taken in order until their sizes reach the budget, at least one: so that a long
 * message is never passed over for shorter ones behind it. Sizes are read without the contents: octet_length of a
 * stored value that was moved out of its row takes it from the pointer.
 *
 * @returns what each ask got, in their order; messages longest due first.
 */
export async function takeLeases(db: Kysely<Schema>, asks: readonly Ask[], leaseMs: number): Promise<Taken[]> {
  if (asks.length === 0) return [];
  const lease = sql`${leaseMs} * interval '1 millisecond'`;
  const tenantIds = asks.map((ask) => ask.tenantId);
  const { rows } = await sql<LeasedRow>`
    with ask as materialized (
      select given.place, given.tenant_id, given.generation, given.max_messages, given.max_bytes,
             coalesce(given.alone, longest_due.is_overdue_suspect, false) as alone
      from unnest(${tenantIds}::text[], ${asks.map((ask) => ask.generation)}::int[],
                  ${asks.map((ask) => ask.limit)}::int[], ${asks.map(bytesOf)}::bigint[],
                  ${asks.map((ask) => ask.alone ?? null)}::boolean[])
        with ordinality as given (tenant_id, generation, max_messages, max_bytes, alone, place)
      left join lateral (
        select ${isSuspect} and p.due_at <= now() - ${lease} as is_overdue_suspect
        from embedding_pending p join (select given.tenant_id, given.generation) as ask on true
        where given.alone is null and ${isDue}
        order by p.due_at, p.message_id
        limit 1
      ) as longest_due on true
    ), due as materialized (
      select ask.place, sized.*
      from ask cross join lateral (
        select candidate.*, stored.*, count(*) over () as candidates,
               row_number() over by_age as nth, sum(stored.bytes) over by_age as bytes_so_far
        from (
          select p.tenant_id, p.generation, p.message_id, p.due_at from embedding_pending p
          where ${isDue} and ${isSuspect} = ask.alone
          order by p.due_at, p.message_id
          limit case when ask.alone then 1 else ask.max_messages end
          for update skip locked
        ) as candidate
        -- Looked up one by one, after the limit: the planner reckons with many more rows than come.
        left join lateral (
          select m.id as stored_id, m.content, m.metadata, m.content_hash, octet_length(m.content) as bytes
          from message m
          where m.tenant_id = any(${tenantIds}::text[]) and m.tenant_id = candidate.tenant_id
            and m.id = candidate.message_id
          limit 1
        ) as stored on true
        window by_age as (order by candidate.due_at, candidate.message_id)
      ) as sized
      where sized.nth = 1 or coalesce(sized.bytes_so_far, 0) <= ask.max_bytes
    ), leased as (
      update embedding_pending p
      set attempts = p.attempts + 1, leased_until = now() + ${lease}
      from due
      where p.tenant_id = due.tenant_id and p.generation = due.generation and p.message_id = due.message_id
      returning due.place, due.candidates, due.nth, due.stored_id, due.content, due.metadata, due.content_hash,
                p.attempts
    )
    select ask.place, ask.alone, leased.candidates, leased.stored_id as message_id, leased.content,
           ${speakerOf('leased')} as speaker, leased.content_hash, leased.attempts
    from ask left join leased on leased.place = ask.place
    order by ask.place, leased.nth
  `.execute(db);
  return toTaken(asks, rows);
}

function toTaken(asks: readonly Ask[], rows: readonly LeasedRow[]): Taken[] {
  const byPlace = Map.groupBy(rows, (row) => Number(row.place));
  return asks.map((ask, index) => {
    const own = byPlace.get(index + 1) ?? [];
    const alone = own[0]?.alone ?? false;
    const candidates = Number(own[0]?.candidates ?? 0);
    const isMore = alone || candidates === ask.limit || candidates > own.length;
    return { ...ask, alone, messages: own.flatMap(toMessage), isMore };
  });
}

function bytesOf({ tokenBudget }: LeaseRequest): number {
  return Math.ceil(tokenBudget * bytesPerToken);
}

function toMessage(row: LeasedRow): LeasedMessage[] {
  if (row.message_id === null) return [];
  const { message_id: messageId, content, content_hash: contentHash, attempts } = row;
  return [{ messageId, content, speaker: row.speaker ?? undefined, contentHash, attempts }];
}
