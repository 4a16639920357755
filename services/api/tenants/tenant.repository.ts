import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type Selectable } from 'kysely';
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
    async insert(tenantId: string, quotas: TenantQuotas): Promise<Tenant | undefined> {
      const { rows } = await sql<TenantRow>`
        with ${accessChange}
        insert into tenant (tenant_id, ${quotaColumns}) values (${tenantId}, ${quotaValues(quotas)})
        on conflict do nothing returning ${columns}
      `.execute(db);
      return rows[0] && toTenant(rows[0]);
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
    async setSuspended(tenantId: string, isSuspended: boolean): Promise<Tenant | undefined> {
      const { rows } = await sql<TenantRow>`
        with ${accessChange}
        update tenant set suspended_at = ${isSuspended ? sql`coalesce(suspended_at, now())` : sql`null`}
        where tenant_id = ${tenantId} returning ${columns}
      `.execute(db);
      return rows[0] && toTenant(rows[0]);
    },

    /** @returns undefined when there is no such tenant. */
    async setQuotas(tenantId: string, quotas: TenantQuotas): Promise<Tenant | undefined> {
      const { rows } = await sql<TenantRow>`
        with ${accessChange}
        update tenant set (${quotaColumns}) = row(${quotaValues(quotas)})
        where tenant_id = ${tenantId} returning ${columns}
      `.execute(db);
      return rows[0] && toTenant(rows[0]);
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
