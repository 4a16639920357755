import type { Schema } from '@memory-layer/shared/db/schema';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { sql, type Kysely } from 'kysely';
import {
  bytesPerToken,
  estimateLeasedTokens,
  type LeasedMessage,
  type LeaseRequest,
  type LeaseResult,
} from './lease.ts';

/** What the statement is to take of a tenant. */
interface TenantRequest extends LeaseRequest {
  /** Whether to take one poison suspect instead of the others; undefined: if one has waited for longer than a lease. */
  readonly isolated: boolean | undefined;
}

interface TenantResult extends LeaseRequest {
  readonly isolated: boolean;
  readonly messages: readonly LeasedMessage[];
  /** Others of the kind may be due as well. */
  readonly isMore: boolean;
  /** Messages that expired before they were embedded. Their pending rows are deleted. */
  readonly expired: number;
}

/**
 * Takes due messages for `leaseMs`, counting an attempt for each: of a tenant at most what its requests ask for, by
 * number and by estimated tokens, but at least one message. What has expired is not embedded any more: its pending rows
 * are deleted.
 * Messages that were leased often without an outcome are taken one at a time: behind the others, unless they have
 * waited for longer than a lease.
 *
 * @returns one lease a request, in their order.
 */
export async function leaseMessages(db: Kysely<Schema>, requests: readonly LeaseRequest[]): Promise<LeaseResult[]> {
  const groups = [...Map.groupBy(requests, ({ tenantId, generation }) => `${tenantId}.${generation}`).values()];
  const merged = groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const limit = sumOf(group.map((request) => request.limit));
    return [{ ...first, limit, tokenBudget: sumOf(group.map((request) => request.tokenBudget)), isolated: undefined }];
  });
  const leaseMs = Math.max(...requests.map((request) => request.leaseMs));
  const first = await leaseTenants(db, merged, leaseMs);
  // Nothing of one kind: perhaps of the other.
  const empty = first.filter(({ messages }) => messages.length === 0);
  const others = await leaseTenants(
    db,
    empty.map((taken) => ({ ...taken, isolated: !taken.isolated })),
    leaseMs,
  );
  const second = new Map(empty.map((taken, index) => [taken, sumUp(taken, others[index])]));
  const leases = new Map<LeaseRequest, LeaseResult>();
  groups.forEach((group, index) => {
    const taken = first[index];
    if (taken !== undefined) share(second.get(taken) ?? taken, group, leases);
  });
  return requests.map((request) => leases.get(request) ?? { messages: [], mayLeaveMore: false });
}

/** Expired messages may have taken the places of others, so the caller asks again. */
function sumUp(first: TenantResult, other: TenantResult | undefined): TenantResult {
  return other === undefined ? first : { ...other, expired: first.expired + other.expired };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Deals what was taken out to those who asked for the same: the last one that gets some knows whether more is left. */
function share(
  { messages, isMore, expired }: TenantResult,
  group: readonly LeaseRequest[],
  leases: Map<LeaseRequest, LeaseResult>,
): void {
  const counts = countsWithin(messages, group);
  let dealt = 0;
  for (const [place, request] of group.entries()) {
    const own = messages.slice(dealt, dealt + (counts[place] ?? 0));
    dealt += own.length;
    const isLast = own.length > 0 && dealt === messages.length;
    leases.set(request, { messages: own, mayLeaveMore: (isMore && isLast) || (expired > 0 && place === 0) });
  }
}

/** How many messages each request gets: until they reach its budget; then, what is left, up to its limit. */
function countsWithin(messages: readonly LeasedMessage[], group: readonly LeaseRequest[]): number[] {
  const left = messages.values();
  const counts = group.map(({ limit, tokenBudget }) => {
    let count = 0;
    for (let tokens = 0; count < limit && tokens < tokenBudget; count += 1) {
      const { value } = left.next();
      if (value === undefined) break;
      tokens += estimateLeasedTokens(value);
    }
    return count;
  });
  let rest = messages.length - sumOf(counts);
  return group.map(({ limit }, place) => {
    const count = counts[place] ?? 0;
    const more = Math.min(rest, limit - count);
    rest -= more;
    return count + more;
  });
}

interface LeasedRow {
  /** Place of the request, from 1. */
  readonly place: string;
  readonly isolated: boolean;
  /** Null where nothing was taken. */
  readonly candidates: string | null;
  readonly expired: number;
  /** Null where the message is not there. */
  readonly message_id: string | null;
  readonly content: string;
  readonly speaker: string | null;
  readonly content_hash: Buffer;
  readonly attempts: number;
}

// From this lease on a message is leased alone: what killed a worker before must not take others with it.
const isolatedFromAttempt = 3;

const isSuspect = sql`(p.attempts >= ${sql.lit(isolatedFromAttempt - 1)})`;

const isDue = sql`p.tenant_id = request.tenant_id and p.generation = request.generation and p.state = 'pending'
  and p.due_at <= now() and (p.leased_until is null or p.leased_until <= now())`;

const isDueRow = sql`p.tenant_id = due.tenant_id and p.generation = due.generation and p.message_id = due.message_id`;

/** Joins the message of a `candidate`, if it is there. */
function storedMessage(tenantIds: readonly string[]) {
  return sql`
        -- Looked up one by one, after the limit: the planner reckons with many more rows than come.
        left join lateral (
          select m.id as stored_id, m.content, m.metadata, m.content_hash, octet_length(m.content) as bytes,
                 not ${isUnexpired('m')} as is_expired
          from message m
          where m.tenant_id = any(${[...tenantIds]}::text[]) and m.tenant_id = candidate.tenant_id
            and m.id = candidate.message_id
          limit 1
        ) as stored on true`;
}

/**
 * One round of leases, for several tenants in one statement. Tenants must differ: a statement does not skip what it
 * has locked itself. Messages are taken in order until their sizes reach the budget, at least one: so that a long
 * message is never passed over for shorter ones behind it. Sizes are read without the contents: octet_length of a
 * stored value that was moved out of its row takes it from the pointer.
 *
 * @returns what each request got, in their order; messages longest due first.
 */
export async function leaseTenants(
  db: Kysely<Schema>,
  requests: readonly TenantRequest[],
  leaseMs: number,
): Promise<TenantResult[]> {
  if (requests.length === 0) return [];
  const lease = sql`${leaseMs} * interval '1 millisecond'`;
  const tenantIds = requests.map((request) => request.tenantId);
  const { rows } = await sql<LeasedRow>`
    with request as materialized (
      select given.place, given.tenant_id, given.generation, given.max_messages, given.max_bytes,
             coalesce(given.isolated, longest_due.is_overdue_suspect, false) as isolated
      from unnest(${tenantIds}::text[], ${requests.map((request) => request.generation)}::int[],
                  ${requests.map((request) => request.limit)}::int[], ${requests.map(bytesOf)}::bigint[],
                  ${requests.map((request) => request.isolated ?? null)}::boolean[])
        with ordinality as given (tenant_id, generation, max_messages, max_bytes, isolated, place)
      left join lateral (
        select ${isSuspect} and p.due_at <= now() - ${lease} as is_overdue_suspect
        from embedding_pending p join (select given.tenant_id, given.generation) as request on true
        where given.isolated is null and ${isDue}
        order by p.due_at, p.message_id limit 1
      ) as longest_due on true
    ), due as materialized (
      select request.place, sized.*
      from request cross join lateral (
        select candidate.*, stored.*, count(*) over () as candidates,
               row_number() over by_age as nth, sum(stored.bytes) over by_age as bytes_so_far
        from (
          select p.tenant_id, p.generation, p.message_id, p.due_at from embedding_pending p
          where ${isDue} and ${isSuspect} = request.isolated
          order by p.due_at, p.message_id
          limit case when request.isolated then 1 else request.max_messages end
          for update skip locked
        ) as candidate
        ${storedMessage(tenantIds)}
        window by_age as (order by candidate.due_at, candidate.message_id)
      ) as sized
      where sized.nth = 1 or coalesce(sized.bytes_so_far, 0) <= request.max_bytes
    ), expired as (
      delete from embedding_pending p using due
      where due.is_expired and ${isDueRow}
      returning due.place
    ), leased as (
      update embedding_pending p
      set attempts = p.attempts + 1, leased_until = now() + ${lease}
      from due
      where due.is_expired is not true and ${isDueRow}
      returning due.place, due.candidates, due.nth, due.stored_id, due.content, due.metadata, due.content_hash,
                p.attempts
    )
    select request.place, request.isolated, leased.candidates,
           (select count(*)::int from expired where expired.place = request.place) as expired,
           leased.stored_id as message_id, leased.content,
           ${speakerOf('leased')} as speaker, leased.content_hash, leased.attempts
    from request left join leased on leased.place = request.place
    order by request.place, leased.nth
  `.execute(db);
  return toTenantResults(requests, rows);
}

function toTenantResults(requests: readonly TenantRequest[], rows: readonly LeasedRow[]): TenantResult[] {
  const byPlace = Map.groupBy(rows, (row) => Number(row.place));
  return requests.map((request, index) => {
    const own = byPlace.get(index + 1) ?? [];
    const isolated = own[0]?.isolated ?? false;
    const candidates = Number(own[0]?.candidates ?? 0);
    const isMore = isolated || candidates === request.limit || candidates > own.length;
    return { ...request, isolated, messages: own.flatMap(toMessage), isMore, expired: own[0]?.expired ?? 0 };
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
