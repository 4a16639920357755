import { appendAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditChanges, AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { accessChange } from '../access/access-change.sql.ts';
import type { Caller } from '../access/caller.ts';
import { countUpTo } from './count-messages.sql.ts';
import type { Tenant, TenantCount, TenantQuotas } from '../access/tenant.ts';

export interface TenantPage extends Pick<Caller, 'tenants'> {
  /** The last tenant of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export type TenantRepository = ReturnType<typeof createTenantRepository>;

export function createTenantRepository(db: Kysely<Schema>) {
  return {
    /** @returns undefined when there is one already. */
    async insert(tenantId: string, quotas: TenantQuotas, audit: AuditOrigin | undefined): Promise<Tenant | undefined> {
      const statement = sql<TenantRow>`
        with ${accessChange}
        insert into tenant (tenant_id, ${quotaColumns}) values (${tenantId}, ${quotaValues(quotas)})
        on conflict do nothing returning ${columns}
      `;
      return change(db, statement, { audit, action: 'tenant.create', changes: toChanges(quotas) });
    },

    /** In the order of their ids. */
    async list({ tenants, after, limit, signal }: TenantPage): Promise<Tenant[]> {
      const { rows } = await sql<TenantRow>`
        select ${columns} from tenant
        where ${tenants === 'all' ? sql`true` : sql`tenant_id = any(${[...tenants]}::text[])`}
          ${after === undefined ? sql`` : sql`and tenant_id > ${after}`}
        order by tenant_id limit ${limit}
      `.execute(db, cancelledBy(signal));
      return rows.map(toTenant);
    },

    async findById(tenantId: string, signal?: AbortSignal): Promise<Tenant | undefined> {
      const { rows } = await sql<TenantRow>`
        select ${columns} from tenant where tenant_id = ${tenantId}
      `.execute(db, cancelledBy(signal));
      return rows[0] && toTenant(rows[0]);
    },

    async loadMany(tenantIds: readonly string[]): Promise<ReadonlyMap<string, Tenant>> {
      const { rows } = await sql<TenantRow>`
        select ${columns} from tenant where tenant_id = any(${[...tenantIds]}::text[])
      `.execute(db);
      return new Map(rows.map((row) => [row.tenant_id, toTenant(row)]));
    },

    /** The tenants that are suspended or have a quota. */
    async listLimited(limit: number): Promise<Tenant[]> {
      const { rows } = await sql<TenantRow>`
        select ${columns} from tenant
        where num_nonnulls(suspended_at, max_messages, max_bytes, max_keys, max_streams, rate_requests) > 0
        order by tenant_id limit ${limit}
      `.execute(db);
      return rows.map(toTenant);
    },

    /** Twice is once. @returns undefined when there is no such tenant. */
    async setSuspended(
      tenantId: string,
      isSuspended: boolean,
      audit: AuditOrigin | undefined,
    ): Promise<Tenant | undefined> {
      const statement = sql<TenantRow>`
        with ${accessChange}
        update tenant set suspended_at = ${isSuspended ? sql`coalesce(suspended_at, now())` : sql`null`}
        where tenant_id = ${tenantId} returning ${columns}
      `;
      return change(db, statement, { audit, action: isSuspended ? 'tenant.suspend' : 'tenant.resume', changes: {} });
    },

    /** @returns undefined when there is no such tenant. */
    async setQuotas(
      tenantId: string,
      quotas: TenantQuotas,
      audit: AuditOrigin | undefined,
    ): Promise<Tenant | undefined> {
      const statement = sql<TenantRow>`
        with ${accessChange}
        update tenant set (${quotaColumns}) = row(${quotaValues(quotas)})
        where tenant_id = ${tenantId} returning ${columns}
      `;
      return change(db, statement, { audit, action: 'tenant.update', changes: toChanges(quotas) });
    },

    /** Counts at most so many messages. */
    async count(tenantId: string, maxMessages: number, signal?: AbortSignal): Promise<TenantCount> {
      const { rows } = await sql<{ messages: number; bytes: number; keys: number }>`
        select counted.messages::float8 as messages, counted.bytes::float8 as bytes, (
          select count(*)::float8 from api_key
          where tenant_ids @> ${[tenantId]}::text[] and revoked_at is null and (expires_at is null or expires_at > now())
        ) as keys
        from (${countUpTo(tenantId, maxMessages)}) counted
      `.execute(db, cancelledBy(signal));
      const { messages = 0, bytes = 0, keys = 0 } = rows[0] ?? {};
      return { messages, bytes, keys, isAtLeast: messages >= maxMessages };
    },
  };
}

interface TenantChange {
  readonly audit: AuditOrigin | undefined;
  readonly action: 'tenant.create' | 'tenant.update' | 'tenant.suspend' | 'tenant.resume';
  readonly changes: AuditChanges;
}

/** Changes a tenant, and writes that to the audit log. @returns undefined when there was nothing to change. */
async function change(
  db: Kysely<Schema>,
  statement: RawBuilder<TenantRow>,
  { audit, action, changes }: TenantChange,
): Promise<Tenant | undefined> {
  return db.transaction().execute(async (transaction) => {
    const [row] = (await statement.execute(transaction)).rows;
    if (row === undefined) return undefined;
    const entry = { tenantId: row.tenant_id, action, objectType: 'tenant', objectId: row.tenant_id } as const;
    await appendAuditEvent(transaction, audit, { ...entry, outcome: 'success', changes });
    return toTenant(row);
  });
}

function toChanges({ maxMessages, maxBytes, maxKeys, maxStreams, rate }: TenantQuotas): AuditChanges {
  return {
    max_messages: maxMessages ?? null,
    max_bytes: maxBytes ?? null,
    max_keys: maxKeys ?? null,
    max_streams: maxStreams ?? null,
    rate_requests: rate?.requests ?? null,
    rate_window_seconds: rate?.windowSeconds ?? null,
  };
}

const quotaColumns = sql`max_messages, max_bytes, max_keys, max_streams, rate_requests, rate_window_seconds`;
const columns = sql`tenant_id, created_at, suspended_at, ${quotaColumns}`;
type TenantRow = Selectable<Schema['tenant']>;

function quotaValues({ maxMessages, maxBytes, maxKeys, maxStreams, rate }: TenantQuotas) {
  return sql`${maxMessages ?? null}::bigint, ${maxBytes ?? null}::bigint, ${maxKeys ?? null}::integer,
    ${maxStreams ?? null}::integer, ${rate?.requests ?? null}::integer, ${rate?.windowSeconds ?? null}::integer`;
}

function toTenant(row: TenantRow): Tenant {
  const { rate_requests: requests, rate_window_seconds: windowSeconds } = row;
  return {
    tenantId: row.tenant_id,
    createdAt: row.created_at,
    suspendedAt: row.suspended_at ?? undefined,
    maxMessages: row.max_messages === null ? undefined : Number(row.max_messages),
    maxBytes: row.max_bytes === null ? undefined : Number(row.max_bytes),
    maxKeys: row.max_keys ?? undefined,
    maxStreams: row.max_streams ?? undefined,
    rate: requests === null || windowSeconds === null ? undefined : { requests, windowSeconds },
  };
}
