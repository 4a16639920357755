import type { Schema } from '@memory-layer/shared/db/schema';
import { emitEvents } from '@memory-layer/shared/events/log-events-of';
import { sql, type Kysely } from 'kysely';
import { toOutcome, type BatchOutcome, type BatchRequest } from './batch.ts';
import { selectDeletable } from './selection.ts';

/** Deletes the next archived messages that are past their date, for good. Locked rows are passed over. */
export async function deleteBatch(db: Kysely<Schema>, request: BatchRequest): Promise<BatchOutcome> {
  return toOutcome(request, await deleteQuery(db, request).executeTakeFirst());
}

/** The statement of `deleteBatch`, for tests that look at its plan. */
export function deleteQuery(db: Kysely<Schema>, request: BatchRequest) {
  const { after, limit, tenantId } = request;
  return db
    .with('candidate', (cte) => {
      const deletable = selectDeletable(cte, request)
        .select(['archived_message.archived_at as at', 'archived_message.id'])
        .orderBy('archived_message.archived_at')
        .orderBy('archived_message.id')
        .limit(limit)
        .forUpdate()
        .skipLocked();
      if (after === undefined) return deletable;
      return deletable.where((eb) =>
        eb(eb.refTuple('archived_message.archived_at', 'archived_message.id'), '>', eb.tuple(after.at, after.id)),
      );
    })
    .with('gone', (cte) =>
      cte
        .deleteFrom('archived_message')
        .where('archived_message.tenant_id', '=', tenantId)
        // Not a join: as an array, the ids are always looked up in the primary key, whatever the statistics.
        .where('archived_message.id', '=', sql<string>`any(array(select candidate.id from candidate))`)
        .returning('archived_message.id'),
    )
    .with('emitted', () => emitEvents(tenantId, 'message.deleted', sql.table('gone')))
    .selectFrom('candidate')
    .select(['candidate.at', 'candidate.id'])
    .select((eb) =>
      eb
        .selectFrom('gone')
        .select(sql<number>`count(*)::int`.as('count'))
        .$asScalar()
        .$notNull()
        .as('rows'),
    )
    .orderBy('candidate.at', 'desc')
    .orderBy('candidate.id', 'desc')
    .limit(1);
}
