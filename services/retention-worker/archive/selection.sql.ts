import type { AgeOf } from '@memory-layer/shared/retention/retention-policy';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type RawBuilder } from 'kysely';
import type { BatchRequest, Position, Scope } from './batch.ts';

/**
 * Every predicate of retention stands in this file once. Runs and dry runs both use it, so that a dry run
 * cannot count something else than a run does.
 */
export function isOld(scope: Scope): RawBuilder<boolean> {
  return sql<boolean>`(${isOldOrUnimportant(scope)} and not ${isExpired('message', scope)})`;
}

function isOldOrUnimportant({ policy, cutoffs: { oldBefore } }: Scope): RawBuilder<boolean> {
  const { matchMode, importanceThreshold, ageOf } = policy;
  if (matchMode === 'any') {
    const reasons = [
      oldBefore && isStoredOrCreated(ageOf, '<=', oldBefore),
      importanceThreshold === undefined ? undefined : sql<boolean>`message.importance <= ${importanceThreshold}`,
    ].filter((reason) => reason !== undefined);
    return reasons.length === 0 ? sql`false` : sql`(${sql.join(reasons, sql` or `)})`;
  }
  // Importance alone would archive a message on the day it was stored.
  if (oldBefore === undefined) return sql`false`;
  const spared = importanceThreshold === undefined ? sql`` : sql` and message.importance < ${importanceThreshold}`;
  return sql`(${isStoredOrCreated(ageOf, '<', oldBefore)}${spared})`;
}

/** Ids are UUIDv7, which contain the time when a message was stored. So the primary key finds and orders by that time. */
function isStoredOrCreated(ageOf: AgeOf, comparison: '<' | '<=', at: Date): RawBuilder<boolean> {
  if (ageOf === 'created') return sql`message.created_at ${sql.raw(comparison)} ${at}`;
  return sql`message.id < ${firstIdAt(comparison === '<' ? at.getTime() : at.getTime() + 1)}::uuid`;
}

/** The least id that a message stored in this millisecond can have (RFC 9562, section 5.7). */
function firstIdAt(timeMs: number): string {
  const hex = Math.max(0, timeMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Never null, so that its negation keeps the messages that do not expire. */
export function isExpired(table: Table, { cutoffs }: Scope): RawBuilder<boolean> {
  const expiresAt = sql.ref(`${table}.expires_at`);
  return sql`(${expiresAt} is not null and ${expiresAt} <= ${cutoffs.now})`;
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
    where ${isUnheld('message', scope.tenantId)} and not ${isOld(scope)} and not ${isExpired('message', scope)}
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

/**
 * The next rows of a table that meet a condition, in the order of a date. It locks them, and skips rows that are locked
 * already. @param date `stored` is the time in the id.
 */
export function nextRows(
  table: Table,
  date: 'stored' | 'created_at' | 'expires_at' | 'archived_at',
  condition: RawBuilder<boolean>,
  { tenantId, after, limit }: BatchRequest,
): RawBuilder<Candidate> {
  const id = sql.ref(`${table}.id`);
  const at = sql.ref(date === 'stored' ? `${table}.created_at` : `${table}.${date}`);
  const order = date === 'stored' ? id : sql`${at}, ${id}`;
  const isBehind = after === undefined ? sql`true` : sql`(${order}) > (${orderOf(after, date)})`;
  return sql<Candidate>`
    select ${id}, ${instantColumn(`${table}.${date === 'stored' ? 'created_at' : date}`)} as at from ${sql.table(table)}
    where ${isUnheld(table, tenantId)} and ${condition} and ${isBehind}
    order by ${order}
    limit ${limit}
    for update skip locked`;
}

function orderOf({ at, id }: Position, date: string): RawBuilder<unknown> {
  return date === 'stored' ? sql`${id}::uuid` : sql`${at}, ${id}`;
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
