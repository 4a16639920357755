import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Schema } from '../db/schema.ts';
import { changesText, type AuditEntry, type AuditEvent, type AuditOrigin } from './audit-event.ts';

/**
 * Writes an entry of the audit log. Call it in the transaction of what it tells: what was rolled back is not told, and
 * what happened is not left out. When it fails, so does the transaction.
 *
 * @param origin undefined where the audit log is off; then nothing is sent.
 */
export async function appendAuditEvent(
  transaction: Transaction<Schema>,
  origin: AuditOrigin | undefined,
  entry: AuditEntry,
): Promise<void> {
  if (origin !== undefined) await appendAuditEvents(transaction, [{ ...origin, ...entry }]);
}

/** Writes entries in the order they are given. */
export async function appendAuditEvents(
  db: Kysely<Schema> | Transaction<Schema>,
  events: readonly AuditEvent[],
): Promise<void> {
  await db.insertInto('audit_event').values(events.map(toRow)).execute();
}

function toRow(event: AuditEvent) {
  const { id, at } = nextPlace(event.at);
  return {
    id,
    at,
    tenant_id: event.tenantId ?? null,
    actor_id: event.actor?.id ?? null,
    actor_name: event.actor?.name ?? null,
    action: event.action,
    object_type: event.objectType,
    object_id: event.objectId ?? null,
    request_id: event.requestId ?? null,
    address: event.address ?? null,
    outcome: event.outcome,
    changes: changesText(event.changes),
  };
}

/** The id has the time in it, so that the two agree. */
function nextPlace(at: Date = new Date()): { readonly id: string; readonly at: Date } {
  return { id: uuidv7({ msecs: at.getTime() }), at };
}

/** It returns no rows. */
type NoRows = Record<string, never>;

/**
 * The insert that writes an entry about what other parts of the same statement do; in parentheses, as a `with` clause has
 * it. It costs no round trip of its own.
 *
 * @param told a common table expression, or a query in parentheses, of a row for each entry, with the columns `outcome`
 * (text) and `changes` (jsonb).
 */
export function insertAuditEvent(
  origin: AuditOrigin,
  entry: Omit<AuditEntry, 'outcome' | 'changes'>,
  told: RawBuilder<unknown>,
): RawBuilder<NoRows> {
  const { id, at } = nextPlace();
  return sql<NoRows>`(
    insert into audit_event (id, at, tenant_id, actor_id, actor_name, action, object_type, object_id, request_id, address, outcome, changes)
    select ${id}::uuid, ${at}::timestamptz, ${entry.tenantId ?? null}::text, ${origin.actor?.id ?? null}::text,
      ${origin.actor?.name ?? null}::text, ${entry.action}::text, ${entry.objectType}::text,
      ${entry.objectId ?? null}::text, ${origin.requestId ?? null}::text, ${origin.address ?? null}::text,
      told.outcome, told.changes
    from ${told} as told)`;
}
