import type { RetentionAction, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { RetentionCounts, Scope } from './batch.ts';
import { idsBeyondMaxItems, isDeletable, isExpired, isOld, isUnheld } from './selection.sql.ts';

/** What a run of these actions at this instant would archive and delete. One statement, so one snapshot. */
export async function countDue(
  db: Kysely<Schema>,
  scope: Scope,
  actions: readonly RetentionAction[],
): Promise<RetentionCounts> {
  const { tenantId, policy } = scope;
  const beyond = policy.maxItems === undefined ? sql`` : sql`union all ${idsBeyondMaxItems(scope)}`;
  const { rows } = await sql<{ archived: string; deleted: string }>`
    select (
      select count(*) from (
        select message.id from message
        where ${isUnheld('message', tenantId)} and ${isOld(scope)}
        ${beyond}
      ) archivable
    ) as archived, (
      select count(*) from message where ${isUnheld('message', tenantId)} and ${isExpired('message', scope)}
    ) + (
      select count(*) from archived_message
      where ${isUnheld('archived_message', tenantId)}
        and (${isDeletable(scope)} or ${isExpired('archived_message', scope)})
    ) as deleted
  `.execute(db);
  const [counts] = rows;
  return {
    archived: actions.includes('archive') ? Number(counts?.archived ?? 0) : 0,
    deleted: actions.includes('delete') ? Number(counts?.deleted ?? 0) : 0,
  };
}
