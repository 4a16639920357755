import type { ArchiveReason, Schema } from '@memory-layer/shared/db/schema';
import type { QueryCreator } from 'kysely';
import type { BatchRequest } from './batch.ts';
import { isExpired, isOld, selectBeyondMaxItems, selectUnheld } from './selection.ts';

export interface ArchiveRequest extends BatchRequest {
  readonly reason: ArchiveReason;
}

/**
 * The next messages to archive for one reason, in the order in which they go, locked, without those that
 * somebody else has locked. `at` is what `Position` goes on from.
 */
export function selectCandidates(db: QueryCreator<Schema>, request: ArchiveRequest) {
  return selectFor[request.reason](db, request).limit(request.limit).forUpdate().skipLocked();
}

const selectFor = { age: selectOld, expired: selectExpired, max_items: selectBeyond };

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

/** Has no position: which messages are beyond the limit is found again for each batch. */
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
