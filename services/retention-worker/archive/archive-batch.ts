import type { ArchiveReason, Schema } from '@memory-layer/shared/db/schema';
import { emitEvents } from '@memory-layer/shared/events/log-events-of';
import { sql, type Kysely } from 'kysely';
import { toOutcome, type BatchOutcome } from './batch.ts';
import { selectCandidates, type ArchiveRequest } from './select-candidates.ts';

/** All that a message has and its archive copy keeps: every column but those of its words. A test compares both tables. */
const keptColumns = [
  'tenant_id',
  'id',
  'conversation_id',
  'role',
  'content',
  'metadata',
  'importance',
  'external_id',
  'content_hash',
  'created_at',
  'updated_at',
  'expires_at',
] as const;

/**
 * Moves the next messages into the archive, in one statement; their vectors and pending rows go by cascade.
 * Rows that somebody else holds locked are passed over, so any number of workers may run at once.
 */
export async function archiveBatch(db: Kysely<Schema>, request: ArchiveRequest): Promise<BatchOutcome> {
  return toOutcome(request, await archiveQuery(db, request).executeTakeFirst());
}

/** The statement of `archiveBatch`, for tests that look at its plan. */
export function archiveQuery(db: Kysely<Schema>, request: ArchiveRequest) {
  const { tenantId, cutoffs, reason } = request;
  return db
    .with('candidate', (cte) => selectCandidates(cte, request))
    .with('moved', (cte) =>
      cte
        .deleteFrom('message')
        .where('message.tenant_id', '=', tenantId)
        // Not a join: as an array, the ids are always looked up in the primary key, whatever the statistics.
        .where('message.id', '=', sql<string>`any(array(select candidate.id from candidate))`)
        .returning(keptColumns.map((column) => sql.ref(`message.${column}`).as(column))),
    )
    .with('stored', (cte) =>
      cte
        .insertInto('archived_message')
        .columns([...keptColumns, 'archived_at', 'archive_reason'])
        .expression((eb) =>
          eb
            .selectFrom('moved')
            .select([...keptColumns])
            .select([
              sql<Date>`${cutoffs.now}::timestamptz`.as('archived_at'),
              sql<ArchiveReason>`${reason}::text`.as('archive_reason'),
            ]),
        )
        // A message that came back under its old id is newer than the copy left in the archive.
        .onConflict((conflict) =>
          conflict.columns(['tenant_id', 'id']).doUpdateSet((eb) => ({
            conversation_id: eb.ref('excluded.conversation_id'),
            role: eb.ref('excluded.role'),
            content: eb.ref('excluded.content'),
            metadata: sql`excluded.metadata`,
            importance: eb.ref('excluded.importance'),
            external_id: eb.ref('excluded.external_id'),
            content_hash: eb.ref('excluded.content_hash'),
            created_at: eb.ref('excluded.created_at'),
            updated_at: eb.ref('excluded.updated_at'),
            expires_at: eb.ref('excluded.expires_at'),
            archived_at: eb.ref('excluded.archived_at'),
            archive_reason: eb.ref('excluded.archive_reason'),
          })),
        )
        .returning('archived_message.id'),
    )
    .with('emitted', () => emitEvents(tenantId, 'message.archived', sql.table('stored')))
    .selectFrom('candidate')
    .select(['candidate.at', 'candidate.id'])
    .select((eb) =>
      eb
        .selectFrom('stored')
        .select(sql<number>`count(*)::int`.as('count'))
        .$asScalar()
        .$notNull()
        .as('rows'),
    )
    .orderBy('candidate.at', 'desc')
    .orderBy('candidate.id', 'desc')
    .limit(1);
}
