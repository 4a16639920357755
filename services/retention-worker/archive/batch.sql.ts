import type { Schema } from '@memory-layer/shared/db/schema';
import { emitEvents } from '@memory-layer/shared/events/append-message-events.sql';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import {
  toOutcome,
  type ArchiveRequest,
  type BatchOutcome,
  type BatchRequest,
  type Deletable,
  type DeleteRequest,
} from './batch.ts';
import { isDeletable, isExpired, isOld, nextBeyondMaxItems, nextRows, type Candidate } from './selection.sql.ts';

/**
 * Moves the next messages into the archive, in one statement; their vectors and pending rows go by cascade.
 * Rows that somebody else holds locked are passed over, so any number of workers may run at once.
 */
export async function archiveBatch(db: Kysely<Schema>, request: ArchiveRequest): Promise<BatchOutcome> {
  const { rows } = await archiveStatement(request).execute(db);
  return toOutcome(request, rows[0]);
}

/** Deletes the next messages or archived copies that are past their date, for good. Locked rows are passed over. */
export async function deleteBatch(db: Kysely<Schema>, request: DeleteRequest): Promise<BatchOutcome> {
  const { rows } = await deleteStatement(request).execute(db);
  return toOutcome(request, rows[0]);
}

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
const kept = sql.raw(keptColumns.join(', '));

// A message that came back under its old id is newer than the copy left in the archive.
const replaceCopy = sql.raw(
  [...keptColumns, 'archived_at', 'archive_reason']
    .filter((column) => column !== 'tenant_id' && column !== 'id')
    .map((column) => `${column} = excluded.${column}`)
    .join(',\n'),
);

// Not a join: as an array, the ids are always looked up in the primary key, whatever the statistics.
const isCandidate = sql`id = any(array(select candidate.id from candidate))`;

/** The statement of `archiveBatch`, for tests that look at its plan. */
export function archiveStatement(request: ArchiveRequest): RawBuilder<LastRow> {
  const { tenantId, cutoffs, reason } = request;
  return batchStatement(request, {
    candidates: archivable[reason](request),
    steps: sql`moved as (
      delete from message where tenant_id = ${tenantId} and ${isCandidate}
      returning ${kept}
    ), done as (
      insert into archived_message (${kept}, archived_at, archive_reason)
      select ${kept}, ${cutoffs.now}::timestamptz, ${reason}::text from moved
      on conflict (tenant_id, id) do update set ${replaceCopy}
      returning id
    )`,
    event: 'message.archived',
  });
}

/** The statement of `deleteBatch`, for tests that look at its plan. */
export function deleteStatement(request: DeleteRequest): RawBuilder<LastRow> {
  return batchStatement(request, {
    candidates: deletable[request.what](request),
    steps: sql`done as (
      delete from ${sql.table(request.what === 'expired' ? 'message' : 'archived_message')} where tenant_id = ${request.tenantId} and ${isCandidate}
      returning id
    )`,
    event: 'message.deleted',
  });
}

/** The last row that a batch looked at, and how many it dealt with. */
interface LastRow extends Candidate {
  readonly rows: number;
}

interface BatchParts {
  readonly candidates: RawBuilder<Candidate>;
  /** Common table expressions; the last one is `done`, with the ids of the rows that were dealt with. */
  readonly steps: RawBuilder<unknown>;
  readonly event: MessageEventType;
}

/** What archiving and deleting have in common: candidates are taken, dealt with, written to the event log and counted. */
function batchStatement({ tenantId }: BatchRequest, { candidates, steps, event }: BatchParts): RawBuilder<LastRow> {
  return sql<LastRow>`
    with candidate as (${candidates}
    ), ${steps}, logged as ${emitEvents(tenantId, event, sql.table('done'))}
    select at, id, (select count(*)::int from done) as rows
    from candidate order by at desc, id desc limit 1
  `;
}

/** The next messages to archive for each reason, in the order in which they go. */
const archivable = {
  age: (request: BatchRequest) =>
    nextRows('message', request.policy.ageOf === 'stored' ? 'stored' : 'created_at', isOld(request), request),
  max_items: nextBeyondMaxItems,
};

/** The next rows to delete of each kind. */
const deletable: Readonly<Record<Deletable, (request: BatchRequest) => RawBuilder<Candidate>>> = {
  expired: (request) => nextRows('message', 'expires_at', isExpired('message', request), request),
  'expired-copies': (request) =>
    nextRows('archived_message', 'expires_at', isExpired('archived_message', request), request),
  'old-copies': (request) => nextRows('archived_message', 'archived_at', isDeletable(request), request),
};
