import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type RawBuilder } from 'kysely';
import type { BatchRequest, Scope } from './batch.ts';

/**
 * Every predicate of retention stands in this file once. Runs and dry runs both use it, so that a dry run
 * cannot count something else than a run does.
 */
export function isOld({ policy, cutoffs: { oldBefore } }: Scope): RawBuilder<boolean> {
  const { matchMode, importanceThreshold } = policy;
  if (matchMode === 'any') {
    const reasons = [
      oldBefore && sql<boolean>`message.created_at <= ${oldBefore}`,
      importanceThreshold === undefined ? undefined : sql<boolean>`message.importance <= ${importanceThreshold}`,
    ].filter((reason) => reason !== undefined);
    return reasons.length === 0 ? sql`false` : sql`(${sql.join(reasons, sql` or `)})`;
  }
  // Importance alone would archive a message on the day it was stored.
  if (oldBefore === undefined) return sql`false`;
  const spared = importanceThreshold === undefined ? sql`` : sql` and message.importance < ${importanceThreshold}`;
  return sql`(message.created_at < ${oldBefore}${spared})`;
}

/** Never null, so that its negation keeps the messages that do not expire. */
export function isExpired({ cutoffs }: Scope): RawBuilder<boolean> {
  return sql`(message.expires_at is not null and message.expires_at <= ${cutoffs.now})`;
}

/** Of archived messages. */
export function isDeletable({ cutoffs }: Scope): RawBuilder<boolean> {
  return cutoffs.deleteUpTo === undefined ? sql`false` : sql`archived_message.archived_at <= ${cutoffs.deleteUpTo}`;
}

type Table = 'message' | 'archived_message';

/** Rows of the tenant that no conversation's legal hold keeps. */
export function isUnheld(table: Table, tenantId: string): RawBuilder<boolean> {
  const row = sql.table(table);
  return sql`${row}.tenant_id = ${tenantId} and not exists (
      select from conversation
      where conversation.tenant_id = ${row}.tenant_id and conversation.conversation_id = ${row}.conversation_id
        and conversation.legal_hold
    )`;
}

/**
 * Ids beyond `max_items`: of the messages that are neither held nor archived for another reason, all but the
 * most important, then newest, ones. One snapshot gives one answer, so concurrent workers agree on it.
 */
export function idsBeyondMaxItems(scope: Scope): RawBuilder<string> {
  return sql`(
    select message.id from message
    where ${isUnheld('message', scope.tenantId)} and not ${isOld(scope)} and not ${isExpired(scope)}
    order by message.importance desc, message.created_at desc, message.id desc
    offset ${scope.policy.maxItems ?? Number.MAX_SAFE_INTEGER}
  )`;
}

/** A row that a batch takes: `at` and `id` are its position. */
export interface Candidate {
  /** As text. */
  readonly at: string;
  readonly id: string;
}

/** The next rows of a table that meet a condition, in the order of a date, locked, without those that somebody else has locked. */
export function nextRows(
  table: Table,
  date: 'created_at' | 'expires_at' | 'archived_at',
  condition: RawBuilder<boolean>,
  { tenantId, after, limit }: BatchRequest,
): RawBuilder<Candidate> {
  const [at, id] = [sql.ref(`${table}.${date}`), sql.ref(`${table}.id`)];
  const isBehind = after === undefined ? sql`true` : sql`(${at}, ${id}) > (${after.at}, ${after.id})`;
  return sql<Candidate>`
    select ${id}, ${instantColumn(`${table}.${date}`)} as at from ${sql.table(table)}
    where ${isUnheld(table, tenantId)} and ${condition} and ${isBehind}
    order by ${at}, ${id}
    limit ${limit}
    for update skip locked`;
}

/** Has no position: which messages are beyond the limit is found again for each batch. */
export function nextBeyondMaxItems(request: BatchRequest): RawBuilder<Candidate> {
  return sql<Candidate>`
    select message.id, ${instantColumn('message.created_at')} as at from message
    where message.tenant_id = ${request.tenantId} and message.id in ${idsBeyondMaxItems(request)}
    order by message.importance, message.created_at, message.id
    limit ${request.limit}
    for update skip locked`;
}
