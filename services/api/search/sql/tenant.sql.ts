import { partitionName } from '@memory-layer/shared/db/tenant-partitions.repository';
import { sql, type RawBuilder } from 'kysely';
import type { PlannedTenant } from '../plan/search-plan.ts';

/** A tenant in the statements of a search. */
export interface TenantSql {
  readonly id: RawBuilder<string>;
  /** The tables that have the tenant's rows. Every statement names the tenant all the same: others share them. */
  readonly message: RawBuilder<unknown>;
  readonly embedding: RawBuilder<unknown>;
}

/**
 * The partition is named, since a plan for a tenant that it does not know would be one for all of them: five times the
 * planning, a lock on each table and index, and a new plan on every connection whenever one of them is analysed.
 */
export function tenantSql({ id, isLiteral, partition }: PlannedTenant): TenantSql {
  const table = (name: 'message' | 'embedding') =>
    sql.table(partition === undefined ? name : partitionName(name, partition));
  return {
    id: isLiteral ? sql.lit(id) : sql<string>`${id}`,
    message: table('message'),
    embedding: table('embedding'),
  };
}

/**
 * The rows of `embedding e` that are the passages of `message m`. They are looked up by the primary key; `+ 0` keeps
 * the indexes over generation out of it, which look as good in a database that has no statistics yet, and would read
 * all of the tenant for each message.
 */
export function isPassage(tenant: TenantSql, generation: number): RawBuilder<boolean> {
  return sql<boolean>`(e.tenant_id = ${tenant.id} and e.message_id = m.id and e.generation + 0 = ${sql.lit(generation)})`;
}
