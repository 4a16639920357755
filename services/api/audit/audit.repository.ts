import { appendAuditEvents } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditEvent } from '@memory-layer/shared/audit/audit-event';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { AuditEventTable, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import type { AuditPage, AuditRecord, AuditRequest } from './audit.ts';

/** Entries that one page looks at, whether they meet its filter or not. */
const maxScannedEntries = 10_000;

export function createAuditRepository(db: Kysely<Schema>, maxScanned: number = maxScannedEntries) {
  return {
    append: (events: readonly AuditEvent[]): Promise<void> => appendAuditEvents(db, events),

    /**
     * A page in the order of ids. It reads a range of one index, of a bounded length, and leaves out what does not meet the
     * rest of the filter: so a page of a filter that nothing meets costs no more than another one.
     */
    list: async (request: AuditRequest): Promise<AuditPage> => {
      const { limit } = request;
      const direction = sql.raw(request.order);
      const range = sql`from audit_event where ${all(rangeOf(request))} order by id ${direction}`;
      const result = await sql<Row>`
        with matched as materialized (
          select * from (select ${columns} ${range} limit ${maxScanned}) as scanned
          where ${all(restOf(request))}
          order by id ${direction}
          limit ${limit + 1}
        ), page as (
          select case when (select count(*) from matched) <= ${limit}
            then (select id ${range} limit 1 offset ${maxScanned - 1}) end as scan_end
        )
        select page.scan_end, matched.* from page left join matched on true
        order by matched.id ${direction}
      `.execute(db, cancelledBy(request.signal));
      const records = result.rows.flatMap((row) => (row.id === null ? [] : [toRecord(row)]));
      const items = records.slice(0, limit);
      const scanEnd = result.rows[0]?.scan_end ?? undefined;
      return { items, next: records.length > limit ? items.at(-1)?.id : scanEnd };
    },
  };
}

const columns = sql`id, at, tenant_id, actor_id, actor_name, action, object_type, object_id, request_id, address, outcome, changes`;

type Columns = Selectable<AuditEventTable>;
type Row = { readonly scan_end: string | null } & (Columns | { readonly id: null });
type Condition = RawBuilder<unknown>;

/** What one index serves: that of objects, that of tenants, or that of ids. */
function rangeOf(request: AuditRequest): Condition[] {
  const { sinceMs, untilMs, after, objectId, tenantId } = request;
  const conditions: Condition[] = [];
  if (objectId !== undefined) conditions.push(sql`object_id = ${objectId}`);
  else if (tenantId !== undefined) conditions.push(sql`tenant_id = ${tenantId}`);
  if (sinceMs !== undefined) conditions.push(sql`id >= ${firstIdAt(sinceMs)}::uuid`);
  if (untilMs !== undefined) conditions.push(sql`id < ${firstIdAt(untilMs)}::uuid`);
  if (after !== undefined) conditions.push(sql`id ${sql.raw(request.order === 'asc' ? '>' : '<')} ${after}::uuid`);
  return conditions;
}

function restOf({ tenantId, actorId, action, objectType, outcome }: AuditRequest): Condition[] {
  const conditions: Condition[] = [];
  if (tenantId !== undefined) conditions.push(sql`tenant_id = ${tenantId}`);
  if (actorId !== undefined) conditions.push(sql`actor_id = ${actorId}`);
  if (action !== undefined) conditions.push(sql`action = ${action}`);
  if (objectType !== undefined) conditions.push(sql`object_type = ${objectType}`);
  if (outcome !== undefined) conditions.push(sql`outcome = ${outcome}`);
  return conditions;
}

function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

/** The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7). */
function firstIdAt(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

function toRecord(row: Columns): AuditRecord {
  return {
    id: row.id,
    at: row.at,
    tenantId: row.tenant_id ?? undefined,
    actor: {
      ...(row.actor_id !== null && { id: row.actor_id }),
      ...(row.actor_name !== null && { name: row.actor_name }),
    },
    action: row.action,
    objectType: row.object_type,
    objectId: row.object_id ?? undefined,
    outcome: row.outcome,
    requestId: row.request_id ?? undefined,
    address: row.address ?? undefined,
    changes: row.changes,
  };
}
