import type { Schema } from '@memory-layer/shared/db/schema';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { instantFromColumn } from '@memory-layer/shared/time/instant';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type Kysely } from 'kysely';
import { indexColumns, indexInput } from '../../words/message-index.sql.ts';
import type { ChangedMessage, MessageChange } from './repeats.ts';

/**
 * Changes stored messages, and the copies of their columns beside the vectors. Fields are set on the locked row, so that
 * two writers do not undo each other's changes. A message with another speaker is indexed and embedded again. Runs in the
 * caller's transaction.
 *
 * @param changes by the id of the message, in the order in which every transaction takes its rows.
 * @returns the changed messages, by id, without those that were deleted.
 */
export async function updateMessages(
  db: Kysely<Schema>,
  changes: ReadonlyMap<string, MessageChange>,
): Promise<ReadonlyMap<string, ChangedMessage>> {
  if (changes.size === 0) return new Map();
  const rows = await updateRows(db, [...changes.values()]);
  const copied = rows.filter((row) => {
    const change = changes.get(row.id);
    return change?.importance !== undefined || change?.createdAt !== undefined;
  });
  if (copied.length > 0) await updateCopies(db, copied);
  const withOtherSpeaker = rows.flatMap((row) => (row.speaker_changed ? (changes.get(row.id) ?? []) : []));
  if (withOtherSpeaker.length > 0) {
    await indexAgain(db, withOtherSpeaker);
    await embedAgain(db, withOtherSpeaker);
  }
  const byTenant = Map.groupBy(rows, (row) => row.tenant_id);
  await appendMessageEvents(
    db,
    [...byTenant].map(([tenantId, own]) => ({
      tenantId,
      type: 'message.updated',
      messageIds: own.map(({ id }) => id),
    })),
  );
  return new Map(rows.map((row) => [row.id, toChanged(row)]));
}

interface Row {
  readonly id: string;
  readonly tenant_id: string;
  readonly importance: number;
  readonly metadata: Record<string, unknown>;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly speaker_changed: boolean;
}

const tenantsOf = (of: readonly { readonly tenantId: string }[]) => [...new Set(of.map(({ tenantId }) => tenantId))];

async function updateRows(db: Kysely<Schema>, changes: readonly MessageChange[]): Promise<readonly Row[]> {
  const column = <T>(pick: (change: MessageChange) => T): T[] => changes.map(pick);
  const ofTenants = sql`m.tenant_id = any(${tenantsOf(changes)}::text[])`;
  const { rows } = await sql<Row>`
    with given as materialized (
      select * from unnest(
        ${column((change) => change.tenantId)}::text[],
        ${column((change) => change.id)}::uuid[],
        ${column((change) => change.updatedAt)}::timestamptz[],
        ${column((change) => change.importance ?? null)}::float8[],
        ${column((change) => change.metadataJson ?? null)}::jsonb[],
        ${column((change) => change.createdAt ?? null)}::timestamptz[],
        ${column((change) => change.expiresAt !== undefined)}::boolean[],
        ${column((change) => change.expiresAt ?? null)}::timestamptz[]
      ) as t (tenant_id, id, updated_at, importance, metadata, created_at, sets_expiry, expires_at)
    ), held as materialized (
      select m.tenant_id, m.id, ${speakerOf('m')} as speaker
      from given join message m on ${ofTenants} and m.tenant_id = given.tenant_id and m.id = given.id
      order by m.tenant_id, m.external_id
      for update of m
    )
    update message m set
      importance = coalesce(given.importance, m.importance),
      metadata = coalesce(given.metadata, m.metadata),
      created_at = coalesce(given.created_at, m.created_at),
      expires_at = case when given.sets_expiry then given.expires_at else m.expires_at end,
      updated_at = given.updated_at
    from given join held using (tenant_id, id)
    where ${ofTenants} and m.tenant_id = given.tenant_id and m.id = given.id
    returning m.id, m.tenant_id, m.importance, m.metadata, ${instantColumn('m.created_at')} as created_at,
      ${instantColumn('m.updated_at')} as updated_at, ${instantColumn('m.expires_at')} as expires_at,
      ${speakerOf('m')} is distinct from held.speaker as speaker_changed
  `.execute(db);
  return rows;
}

/** A separate statement after the lock is taken, so that it sees vectors that were written until then. */
async function updateCopies(db: Kysely<Schema>, rows: readonly Row[]): Promise<void> {
  await sql`
    update embedding e set importance = m.importance, created_at = m.created_at
    from unnest(
      ${rows.map((row) => row.tenant_id)}::text[],
      ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.importance)}::float8[],
      ${rows.map((row) => row.created_at)}::timestamptz[]
    ) as m (tenant_id, id, importance, created_at)
    where e.tenant_id = any(${tenantsOf(rows.map((row) => ({ tenantId: row.tenant_id })))}::text[])
      and e.tenant_id = m.tenant_id and e.message_id = m.id
      and (e.importance, e.created_at) is distinct from (m.importance, m.created_at)
  `.execute(db);
}

/** The words of the speaker are among those of the message. */
async function indexAgain(db: Kysely<Schema>, changes: readonly MessageChange[]): Promise<void> {
  await sql`
    update message set (${indexColumns.names}) = (select ${indexColumns.of('given', 'l', 'message')})
    from search_language l, unnest(
      ${changes.map((change) => change.tenantId)}::text[],
      ${changes.map((change) => change.id)}::uuid[],
      ${indexInput.values(changes.map((change) => change.index))}
    ) as given (tenant_id, id, ${indexInput.names})
    where l.state = 'current' and message.tenant_id = any(${tenantsOf(changes)}::text[])
      and message.tenant_id = given.tenant_id and message.id = given.id
  `.execute(db);
}

/** Searches use the old vectors until the new ones are written. */
async function embedAgain(db: Kysely<Schema>, changes: readonly MessageChange[]): Promise<void> {
  await sql`
    insert into embedding_pending (tenant_id, message_id, generation, content_hash)
    select * from unnest(
      ${changes.map((change) => change.tenantId)}::text[],
      ${changes.map((change) => change.id)}::uuid[],
      ${changes.map((change) => change.generation)}::int[],
      ${changes.map((change) => change.contentHash)}::bytea[]
    )
    on conflict on constraint embedding_pending_pkey do update
      set state = 'pending', attempts = 0, due_at = now(), leased_until = null, last_error = null, failed_at = null
  `.execute(db);
}

function toChanged(row: Row): ChangedMessage {
  return {
    importance: row.importance,
    metadata: row.metadata,
    createdAt: instantFromColumn(row.created_at),
    updatedAt: instantFromColumn(row.updated_at),
    expiresAt: row.expires_at === null ? undefined : instantFromColumn(row.expires_at),
  };
}
