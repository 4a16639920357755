import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { indexColumns, indexInput } from '../../words/message-index.sql.ts';
import type { MessageRow } from './message-row.ts';

/**
 * Stores messages and their pending rows in one statement: all of them or none, but for those whose external id is
 * taken already, by a message of before or of the same rows; these are left out.
 *
 * @returns the ids of the stored ones.
 */
export async function insertMessages(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<ReadonlySet<string>> {
  if (rows.some((row) => row.externalId !== undefined)) return insertUntaken(db, rows);
  await insertAll(db, rows);
  return new Set(rows.map((row) => row.id));
}

/** Nothing to look for: the statement that most messages go through. */
async function insertAll(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<void> {
  await sql`
    with input as materialized (${input(rows)}), known_tenant as (${insertTenantsOfInput}), stored as (
      insert into message (${columns}, ${indexColumns.names}) select ${columns}, ${indexColumns.of('input', 'current')}
      from input left join ${currentLanguage} on true
    )
    insert into embedding_pending (tenant_id, message_id, generation, content_hash)
    select tenant_id, id, generation, content_hash from input
  `.execute(db);
}

/** Inserts the tenants that are not known, in the order in which every statement inserts them. */
export async function insertTenants(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<void> {
  const tenantIds = [...new Set(rows.map((row) => row.tenantId))];
  await sql`
    insert into tenant (tenant_id) select * from unnest(${tenantIds}::text[]) order by 1 on conflict do nothing
  `.execute(db);
}

/** In the order of the rows, after their tenants: two writers wait for each other instead of deadlocking. */
async function insertUntaken(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<ReadonlySet<string>> {
  const result = await sql<{ id: string }>`
    with input as materialized (${input(rows)}), known_tenant as (${insertTenantsOfInput}), stored as (
      insert into message (${columns}, ${indexColumns.names})
      select ${columns}, ${indexColumns.of('i', 'current')} from input i left join ${currentLanguage} on true
      where (select count(*) >= 0 from known_tenant) and (i.external_id is null or not exists (
        select from archived_message a where a.tenant_id = i.tenant_id and a.external_id = i.external_id
      ))
      order by i.n
      on conflict (tenant_id, external_id) where external_id is not null do nothing
      returning tenant_id, id
    ), outbox as (
      insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      select tenant_id, id, generation, content_hash from input join stored using (tenant_id, id)
    )
    select id from stored
  `.execute(db);
  return new Set(result.rows.map((row) => row.id));
}

const columns = sql`tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
  created_at, updated_at, expires_at`;

// Asked once a statement: the database knows which language is searched in, and all writers agree.
const currentLanguage = sql`(
  select language, configuration from search_language where state = 'current' offset 0) current`;

const insertTenantsOfInput = sql`
  insert into tenant (tenant_id) select distinct tenant_id from input order by 1 on conflict do nothing
  returning tenant_id`;

function input(rows: readonly MessageRow[]) {
  const column = <T>(pick: (row: MessageRow) => T): T[] => rows.map(pick);
  return sql`
    select * from unnest(
      ${column((row) => row.tenantId)}::text[],
      ${column((row) => row.id)}::uuid[],
      ${column((row) => row.conversationId)}::text[],
      ${column((row) => row.role)}::text[],
      ${column((row) => row.content)}::text[],
      ${column((row) => row.metadataJson)}::jsonb[],
      ${column((row) => row.importance)}::float8[],
      ${column((row) => row.externalId ?? null)}::text[],
      ${column((row) => row.contentHash)}::bytea[],
      ${column((row) => row.createdAt)}::timestamptz[],
      ${column((row) => row.updatedAt)}::timestamptz[],
      ${column((row) => row.expiresAt ?? null)}::timestamptz[],
      ${column((row) => row.generation)}::int[],
      ${indexInput.values(rows.map((row) => row.index))}
    ) with ordinality as t (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
                            content_hash, created_at, updated_at, expires_at, generation, ${indexInput.names}, n)`;
}
