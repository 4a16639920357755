import { partitionName } from '@memory-layer/shared/db/tenant-partitions.repository';
import { sql, type RawBuilder } from 'kysely';
import type { PlannedTenant } from '../plan/search-plan.ts';

/** A tenant in the statements of a search. */
export interface TenantSql {
  readonly id: RawBuilder<string>;
  /**
   * The same for look-ups by key, as a value that the planner does not know. For a tenant that is newer than the last
   * ANALYZE it would expect one row, so any index that begins with the tenant would seem as good as that of the key.
   */
  readonly key: RawBuilder<string>;
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
  // Without a partition, all of them would be in the plan.
  const key = partition === undefined ? sql<string>`${id}` : sql<string>`(select ${id}::text)`;
  return {
    id: isLiteral ? sql.lit(id) : key,
    key,
    message: table('message'),
    embedding: table('embedding'),
  };
}

/**
 * The rows of `message m` with these ids, each in a look-up of its own: for a list of ids the planner may scan the whole
 * tenant in another index. `offset` keeps the planner from replacing the look-ups by a join.
 */
export function messagesById(
  ids: readonly string[],
  { key, message }: TenantSql,
  columns: string,
): RawBuilder<unknown> {
  return sql`unnest(${[...ids]}::uuid[]) wanted (id) cross join lateral (
    select ${sql.raw(columns)} from ${message} where tenant_id = ${key} and id = wanted.id offset 0
  ) m`;
}

/**
 * The rows of `embedding e` that are the passages of `message m`. They are looked up by the primary key; `+ 0` keeps
 * the indexes over generation out of it, which look as good in a database that has no statistics yet, and would read
 * all of the tenant for each message.
 */
export function isPassage(tenant: TenantSql, generation: number): RawBuilder<boolean> {
  return sql<boolean>`(e.tenant_id = ${tenant.key} and e.message_id = m.id and e.generation + 0 = ${sql.lit(generation)})`;
}
