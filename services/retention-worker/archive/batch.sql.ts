import type { Schema } from '@memory-layer/shared/db/schema';
import { logEventsOf } from '@memory-layer/shared/events/append-message-events.sql';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { sql, type Expression, type Kysely, type QueryCreator, type RawBuilder } from 'kysely';
import { toOutcome, type ArchiveRequest, type BatchOutcome, type BatchRequest } from './batch.ts';
import { isExpired, isOld, selectBeyondMaxItems, selectDeletable, selectUnheld } from './selection.sql.ts';

/**
 * Moves the next messages into the archive, in one statement; their vectors and pending rows go by cascade.
 * Rows that somebody else holds locked are passed over, so any number of workers may run at once.
 */
export async function archiveBatch(db: Kysely<Schema>, request: ArchiveRequest): Promise<BatchOutcome> {
  const { rows } = await archiveStatement(db, request).execute(db);
  return toOutcome(request, rows[0]);
}

/** Deletes the next archived messages that are past their date, for good. Locked rows are passed over. */
export async function deleteBatch(db: Kysely<Schema>, request: BatchRequest): Promise<BatchOutcome> {
  const { rows } = await deleteStatement(db, request).execute(db);
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
const kept = sql.join(keptColumns.map((column) => sql.ref(column)));

// A message that came back under its old id is newer than the copy left in the archive.
const replaceCopy = sql.join(
  [...keptColumns, 'archived_at', 'archive_reason']
    .filter((column) => column !== 'tenant_id' && column !== 'id')
    .map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`),
);

// Not a join: as an array, the ids are always looked up in the primary key, whatever the statistics.
const isCandidate = sql`id = any(array(select candidate.id from candidate))`;

/** The statement of `archiveBatch`, for tests that look at its plan. */
export function archiveStatement(db: QueryCreator<Schema>, request: ArchiveRequest): RawBuilder<LastRow> {
  const { tenantId, cutoffs, reason } = request;
  return batchStatement(request, {
    candidates: selectCandidates[reason](db, request).limit(request.limit).forUpdate().skipLocked(),
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
export function deleteStatement(db: QueryCreator<Schema>, request: BatchRequest): RawBuilder<LastRow> {
  return batchStatement(request, {
    candidates: selectExpiredCopies(db, request).limit(request.limit).forUpdate().skipLocked(),
    steps: sql`done as (
      delete from archived_message where tenant_id = ${request.tenantId} and ${isCandidate}
      returning id
    )`,
    event: 'message.deleted',
  });
}

/** The last row that a batch looked at, and how many it dealt with. */
interface LastRow {
  readonly at: Date;
  readonly id: string;
  readonly rows: number;
}

interface BatchParts {
  /** With `at` and `id`, in their order, locked. */
  readonly candidates: Expression<{ at: Date; id: string }>;
  /** Common table expressions; the last one is `done`, with the ids of the rows that were dealt with. */
  readonly steps: RawBuilder<unknown>;
  readonly event: MessageEventType;
}

/** What archiving and deleting have in common: candidates are taken, dealt with, written to the event log and counted. */
function batchStatement({ tenantId }: BatchRequest, { candidates, steps, event }: BatchParts): RawBuilder<LastRow> {
  return sql<LastRow>`
    with candidate as ${candidates}, ${steps},
    logged as ${logEventsOf(tenantId, event, sql.table('done'))}
    select at, id, (select count(*)::int from done) as rows
    from candidate order by at desc, id desc limit 1
  `;
}

/**
 * The next messages to archive for each reason, in the order in which they go, without those that somebody else has
 * locked. `at` is what `Position` goes on from.
 */
const selectCandidates = { age: selectOld, expired: selectExpired, max_items: selectBeyond };

function selectOld(db: QueryCreator<Schema>, request: ArchiveRequest) {
  const { after } = request;
  const old = selectUnheld(db, request.tenantId)
    .where((eb) => isOld(eb, request))
    .select((eb) => ['message.id', eb.ref('message.created_at').as('at')])
    .orderBy('message.created_at')
    .orderBy('message.id');
  if (after === undefined) return old;
  return old.where((eb) => eb(eb.refTuple('message.created_at', 'message.id'), '>', eb.tuple(after.at, after.id)));
}

function selectExpired(db: QueryCreator<Schema>, request: ArchiveRequest) {
  const { after } = request;
  const expired = selectUnheld(db, request.tenantId)
    .where((eb) => isExpired(eb, request))
    .select((eb) => ['message.id', eb.ref('message.expires_at').$notNull().as('at')])
    .orderBy('message.expires_at')
    .orderBy('message.id');
  if (after === undefined) return expired;
  return expired.where((eb) =>
    eb(eb.refTuple('message.expires_at', 'message.id'), '>', eb.tuple<Date | null, string>(after.at, after.id)),
  );
}

/** Has no position: which messages are beyond the limit is found anew for each batch. */
function selectBeyond(db: QueryCreator<Schema>, request: ArchiveRequest) {
  return db
    .selectFrom('message')
    .where('message.tenant_id', '=', request.tenantId)
    .where('message.id', 'in', selectBeyondMaxItems(db, request))
    .select((eb) => ['message.id', eb.ref('message.created_at').as('at')])
    .orderBy('message.importance')
    .orderBy('message.created_at')
    .orderBy('message.id');
}

function selectExpiredCopies(db: QueryCreator<Schema>, request: BatchRequest) {
  const { after } = request;
  const copies = selectDeletable(db, request)
    .select(['archived_message.archived_at as at', 'archived_message.id'])
    .orderBy('archived_message.archived_at')
    .orderBy('archived_message.id');
  if (after === undefined) return copies;
  return copies.where((eb) =>
    eb(eb.refTuple('archived_message.archived_at', 'archived_message.id'), '>', eb.tuple(after.at, after.id)),
  );
}
