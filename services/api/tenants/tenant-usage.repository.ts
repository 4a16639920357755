import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { countUpTo } from './count-messages.sql.ts';
import type { TenantUsage } from '../access/tenant.ts';

export interface AddedUsage extends TenantUsage {
  readonly tenantId: string;
}

export interface KnownUsage extends TenantUsage {
  /** When all was counted; undefined: never. In milliseconds before now. */
  readonly countedMsAgo: number | undefined;
}

export type TenantUsageRepository = ReturnType<typeof createTenantUsageRepository>;

/** @param writer the name of this process: what it adds is in rows of its own. */
export function createTenantUsageRepository(db: Kysely<Schema>, writer: string) {
  return {
    async add(added: readonly AddedUsage[]): Promise<void> {
      const column = <T>(pick: (one: AddedUsage) => T): T[] => added.map(pick);
      await sql`
        insert into tenant_usage as u (tenant_id, writer, messages, bytes)
        select tenant_id, ${writer}, messages, bytes
        from unnest(${column((one) => one.tenantId)}::text[], ${column((one) => one.messages)}::bigint[],
          ${column((one) => one.bytes)}::bigint[]) as a (tenant_id, messages, bytes)
        on conflict (tenant_id, writer) do update
          set messages = u.messages + excluded.messages, bytes = u.bytes + excluded.bytes, updated_at = now()
      `.execute(db);
    },

    async load(tenantIds: readonly string[]): Promise<ReadonlyMap<string, KnownUsage>> {
      const { rows } = await sql<{ tenant_id: string; messages: number; bytes: number; counted_ms_ago: number | null }>`
        select tenant_id, sum(messages)::float8 as messages, sum(bytes)::float8 as bytes,
          (extract(epoch from now() - max(updated_at) filter (where writer = '')) * 1000)::float8 as counted_ms_ago
        from tenant_usage where tenant_id = any(${[...tenantIds]}::text[]) group by tenant_id
      `.execute(db);
      return new Map(
        rows.map(({ tenant_id, messages, bytes, counted_ms_ago }) => [
          tenant_id,
          { messages, bytes, countedMsAgo: counted_ms_ago ?? undefined },
        ]),
      );
    },

    /**
     * Counts what a tenant has, up to a bound, in place of all that was counted and added. What is stored meanwhile may be
     * missing until it is counted again. One process counts a tenant at a time; for others nothing is done.
     */
    async recount(tenantId: string, maxMessages: number): Promise<void> {
      await db.transaction().execute(async (transaction) => {
        const { rows } = await sql<{ locked: boolean }>`
          select pg_try_advisory_xact_lock(hashtextextended(${`tenant usage ${tenantId}`}, 0)) as locked
        `.execute(transaction);
        if (rows[0]?.locked !== true) return;
        await sql`delete from tenant_usage where tenant_id = ${tenantId} and writer <> ''`.execute(transaction);
        await sql`
          insert into tenant_usage (tenant_id, writer, messages, bytes)
          select ${tenantId}, '', messages, bytes from (${countUpTo(tenantId, maxMessages)}) counted
          on conflict (tenant_id, writer) do update
            set messages = excluded.messages, bytes = excluded.bytes, updated_at = excluded.updated_at
        `.execute(transaction);
      });
    },
  };
}
