import type { RetentionAction, Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import type { RetentionCounts, Scope } from './batch.ts';
import { isExpired, isOld, selectBeyondMaxItems, selectDeletable, selectUnheld } from './selection.sql.ts';

/** What a run of these actions at this instant would archive and delete. One statement, so one snapshot. */
export async function countDue(
  db: Kysely<Schema>,
  scope: Scope,
  actions: readonly RetentionAction[],
): Promise<RetentionCounts> {
  const due = selectUnheld(db, scope.tenantId)
    .where((eb) => eb.or([isOld(eb, scope), isExpired(eb, scope)]))
    .select('message.id');
  const beyond = selectBeyondMaxItems(db, scope);
  const archivable = scope.policy.maxItems === undefined ? due : due.unionAll((eb) => eb.parens(beyond));
  const deletable = selectDeletable(db, scope).select('archived_message.id');
  const counts = await db
    .selectNoFrom((eb) => [
      eb.selectFrom(archivable.as('archivable')).select(eb.fn.countAll<string>().as('count')).as('archived'),
      eb.selectFrom(deletable.as('deletable')).select(eb.fn.countAll<string>().as('count')).as('deleted'),
    ])
    .executeTakeFirstOrThrow();
  return {
    archived: actions.includes('archive') ? Number(counts.archived) : 0,
    deleted: actions.includes('delete') ? Number(counts.deleted) : 0,
  };
}
