import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Database } from '@memory-layer/shared/db/database';
import type { Role } from '@memory-layer/shared/db/schema';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { sql, type RawBuilder } from 'kysely';
import { createYielder } from '../../cost/give-way.ts';
import type { PlannedTenant } from '../plan/search-plan.ts';
import { isPassage, messagesById, tenantSql } from '../sql/tenant.sql.ts';
import type { LoadedMessage } from './tenant-index.ts';
import { readTsvector } from './word-index.ts';

/** Whose messages, and the vectors of which generation. */
export interface IndexedTenant {
  readonly tenant: PlannedTenant;
  readonly generation: number;
}

/** A place in the order of the log of events. */
export interface LogPlace {
  readonly transactionId: bigint;
  readonly eventId: bigint;
}

export interface MessageChange extends LogPlace {
  readonly type: MessageEventType;
  readonly messageIds: readonly string[];
}

/** All of one snapshot. */
export interface TenantChanges {
  /** What is committed later has no lesser transaction id; its events are read from here on. */
  readonly horizon: bigint;
  /** The database's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Events at and after the place asked for: nothing else has changed what is not pending. */
  readonly events: readonly MessageChange[];
  /** Messages that are stored and not embedded. */
  readonly pendingIds: readonly string[];
  /** Events or pending messages are missing: there are more than are read. */
  readonly isCut: boolean;
  /** Events may be missing: they were pruned, or the database was restored. */
  readonly isBroken: boolean;
  /** The words of messages are being read again, without events. */
  readonly isReindexing: boolean;
  /** By what rules words are read: when it is another one, they have been read again. */
  readonly language: string;
}

interface ChangesRow {
  readonly horizon: string;
  readonly ceiling: string;
  readonly pruned_transaction_id: string | null;
  readonly now_ms: number;
  readonly is_reindexing: boolean;
  readonly language: string | null;
  readonly events: readonly [transactionId: string, eventId: string, type: MessageEventType, ids: string[]][];
  readonly pending_ids: readonly string[];
}

interface MessageRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly speaker: string | null;
  readonly importance: number;
  readonly created_at: number;
  readonly expires_at: number | null;
  /** Null when it was too much to read. */
  readonly words: Buffer | null;
}

interface VectorRow {
  readonly id: string;
  readonly vector: Buffer;
}

/** Events and pending messages that are read at a time. */
const changeLimits = { events: 64, ids: 1000, pending: 512 };
/** Ids that are given to one statement. */
export const chunkMessages = 256;
/** Components that one statement reads, of messages with two passages. */
export const chunkComponents = 262_144;
// Of compressed words: reading them takes some milliseconds.
const chunkBytes = 256 * 1024;

export type TenantIndexRepository = ReturnType<typeof createTenantIndexRepository>;

/** Reads what a {@link TenantIndex} is made of. Everything comes from the primary. */
export function createTenantIndexRepository({ queries, prepared }: Pick<Database, 'queries' | 'prepared'>) {
  return {
    /** Whether the tenant has no more messages than that. Reads no more than one more. */
    async hasAtMost(tenant: PlannedTenant, most: number, signal?: AbortSignal): Promise<boolean> {
      const { message, key } = tenantSql(tenant);
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from (select from ${message} where tenant_id = ${key} limit ${most + 1}) counted
      `.execute(queries, cancelledBy(signal));
      return (rows[0]?.count ?? 0) <= most;
    },

    async readChanges(of: IndexedTenant, from: LogPlace | undefined, signal?: AbortSignal): Promise<TenantChanges> {
      const { rows } = await changesStatement(of, from).execute(prepared, cancelledBy(signal));
      const [row] = rows;
      if (row === undefined) throw new Error('the database did not answer');
      const events = row.events.map(([transactionId, eventId, type, messageIds]): MessageChange => ({
        transactionId: BigInt(transactionId),
        eventId: BigInt(eventId),
        type,
        messageIds,
      }));
      const ceiling = BigInt(row.ceiling);
      const prunedId = row.pruned_transaction_id === null ? -1n : BigInt(row.pruned_transaction_id);
      return {
        horizon: BigInt(row.horizon),
        nowMs: row.now_ms,
        events,
        pendingIds: row.pending_ids,
        isCut:
          events.length > changeLimits.events ||
          row.pending_ids.length > changeLimits.pending ||
          events.reduce((sum, { messageIds }) => sum + messageIds.length, 0) > changeLimits.ids,
        isBroken:
          from !== undefined &&
          (from.transactionId > ceiling || (prunedId < ceiling && prunedId >= from.transactionId)),
        isReindexing: row.is_reindexing,
        language: row.language ?? '',
      };
    },

    /** The next ids after that one, in their order; the first ones when it is undefined. */
    async listIds({ tenant }: IndexedTenant, afterId: string | undefined, signal?: AbortSignal): Promise<string[]> {
      const { message, key } = tenantSql(tenant);
      const after = afterId === undefined ? sql`true` : sql`id > ${afterId}::uuid`;
      const { rows } = await sql<{ id: string }>`
        select id from ${message} where tenant_id = ${key} and ${after} order by id limit ${sql.lit(chunkMessages)}
      `.execute(queries, cancelledBy(signal));
      return rows.map(({ id }) => id);
    },

    /** Those of the messages that are there: as many as are read in some milliseconds, and the ids of the others. */
    async readMessages(
      { tenant }: IndexedTenant,
      ids: readonly string[],
      signal?: AbortSignal,
    ): Promise<{ readonly messages: readonly LoadedMessage[]; readonly restIds: readonly string[] }> {
      const { rows } = await messagesStatement(tenant, ids).execute(prepared, cancelledBy(signal));
      const messages: LoadedMessage[] = [];
      const yieldWhenDue = createYielder();
      for (const row of rows) {
        if (row.words === null) continue;
        messages.push(toMessage(row, row.words));
        await yieldWhenDue();
      }
      return { messages, restIds: rows.filter(({ words }) => words === null).map(({ id }) => id) };
    },

    /** The passages of these messages, by message, as halfvec_send gives them. One that has none is missing. */
    async listVectors(
      { tenant: planned, generation }: IndexedTenant,
      ids: readonly string[],
      signal?: AbortSignal,
    ): Promise<ReadonlyMap<string, readonly Uint8Array[]>> {
      const tenant = tenantSql(planned);
      const { rows } = await sql<VectorRow>`
        select m.id, halfvec_send(e.vector) as vector from unnest(${[...ids]}::uuid[]) m (id) cross join lateral (
          select e.vector from ${tenant.embedding} e where ${isPassage(tenant, generation)} offset 0
        ) e
      `.execute(prepared, cancelledBy(signal));
      const vectors = new Map<string, Uint8Array[]>();
      for (const { id, vector } of rows) {
        const ofMessage = vectors.get(id) ?? [];
        ofMessage.push(vector);
        vectors.set(id, ofMessage);
      }
      return vectors;
    },
  };
}

/** The words of the first messages, as many as have {@link chunkBytes} together: null in the rows after them. */
function messagesStatement(tenant: PlannedTenant, ids: readonly string[]): RawBuilder<MessageRow> {
  const columns = 'id, conversation_id, role, metadata, importance, created_at, expires_at, search_vector';
  return sql<MessageRow>`
    select m.id, m.conversation_id, m.role, ${speakerOf('m')} as speaker, m.importance,
           (extract(epoch from m.created_at) * 1000000)::float8 as created_at,
           (extract(epoch from m.expires_at) * 1000)::float8 as expires_at,
           case when sum(pg_column_size(m.search_vector)) over (order by m.id) - pg_column_size(m.search_vector)
             < ${sql.lit(chunkBytes)} then tsvectorsend(m.search_vector) end as words
    from ${messagesById(ids, tenantSql(tenant), columns)}
    order by m.id`;
}

function changesStatement({ tenant, generation }: IndexedTenant, from: LogPlace | undefined): RawBuilder<ChangesRow> {
  const place = from ?? { transactionId: 2n ** 64n - 1n, eventId: 0n };
  return sql<ChangesRow>`
    select now_at.horizon, now_at.ceiling, pruned.transaction_id as pruned_transaction_id,
      (extract(epoch from now()) * 1000)::float8 as now_ms,
      exists (select from search_language where state = 'old') as is_reindexing,
      (select language || ' ' || changed_at::text from search_language where state = 'current') as language,
      (select coalesce(json_agg(json_build_array(e.transaction_id::text, e.event_id::text, e.event_type, e.message_ids)), '[]')
       from (
         select transaction_id, event_id, event_type, message_ids from message_event
         where tenant_id = ${tenant.id}
           and (transaction_id, event_id) >= (${String(place.transactionId)}::xid8, ${String(place.eventId)}::bigint)
         order by transaction_id, event_id limit ${sql.lit(changeLimits.events + 1)}
       ) e) as events,
      (select coalesce(json_agg(p.message_id), '[]') from (
         select message_id from embedding_pending
         where tenant_id = ${tenant.id} and generation = ${sql.lit(generation)} and state = 'pending'
         limit ${sql.lit(changeLimits.pending + 1)}
       ) p) as pending_ids
    from (select pg_snapshot_xmin(s) as horizon, pg_snapshot_xmax(s) as ceiling from pg_current_snapshot() s) now_at
    left join message_event_pruned pruned on true`;
}

function toMessage(row: MessageRow, words: Buffer): LoadedMessage {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    role: row.role,
    speaker: row.speaker ?? undefined,
    importance: row.importance,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? Infinity,
    words: readTsvector(words),
  };
}
