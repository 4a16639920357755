import type { Schema } from '@memory-layer/shared/db/schema';
import { emitEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { sql, type Kysely } from 'kysely';
import type { MessageRow } from './message-row.ts';

type Reference = Pick<MessageRow, 'tenantId' | 'externalId'>;

/**
 * Deletes expired messages and archived copies with one of these external ids, as the next retention run would, so that
 * the external id is free. A legal hold keeps them.
 *
 * @returns whether there were any.
 */
export async function deleteExpired(db: Kysely<Schema>, references: readonly Reference[]): Promise<boolean> {
  const byTenant = Map.groupBy(await findExpired(db, references), (row) => row.tenant_id);
  let deleted = false;
  for (const [tenantId, rows] of byTenant) {
    const ids = sql`any(${rows.map((row) => row.id)}::uuid[])`;
    const isGone = sql`tenant_id = ${tenantId} and id = ${ids} and expires_at <= now()`;
    const { rows: gone } = await sql`
      with gone as (delete from message where ${isGone} returning id),
      archived_gone as (delete from archived_message where ${isGone} returning id),
      done as (select id from gone union select id from archived_gone),
      logged as ${emitEvents(tenantId, 'message.deleted', sql.table('done'))}
      select from done
    `.execute(db);
    deleted ||= gone.length > 0;
  }
  return deleted;
}

async function findExpired(db: Kysely<Schema>, references: readonly Reference[]) {
  const isExpired = sql`m.tenant_id = r.tenant_id and m.external_id = r.external_id and m.expires_at <= now()
    and not exists (select from retention_policy p where p.tenant_id = r.tenant_id and p.legal_hold)
    and not exists (select from conversation c
                    where c.tenant_id = r.tenant_id and c.conversation_id = m.conversation_id and c.legal_hold)`;
  const { rows } = await sql<{ tenant_id: string; id: string }>`
    with r as materialized (
      select distinct * from unnest(
        ${references.map((row) => row.tenantId)}::text[], ${references.map((row) => row.externalId ?? null)}::text[]
      ) as r (tenant_id, external_id)
    )
    select m.tenant_id, m.id from r join message m on ${isExpired}
    union all
    select m.tenant_id, m.id from r join archived_message m on ${isExpired}
    order by 1, 2
  `.execute(db);
  return rows;
}
