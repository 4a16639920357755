import { sql, type RawBuilder } from 'kysely';

/** A tenant in the statements of a search. */
export interface TenantInSql {
  readonly id: RawBuilder<string>;
  /** The tables that have the tenant's rows. Every statement names the tenant all the same: others share them. */
  readonly message: RawBuilder<unknown>;
  readonly embedding: RawBuilder<unknown>;
}

export interface TenantFacts {
  /** Its messages, about; Infinity where it has indexes of its own. */
  readonly messages: number;
  /** Where its rows are; undefined: looked for in all partitions. */
  readonly partition?: number;
}

// From so many messages on, a plan made for any tenant may be a bad one.
const largeTenant = 5000;

/**
 * A large tenant is written out: then a plan can be kept that is made for its size and uses the indexes that it has for
 * itself. Others are a parameter, so that all of a partition share one plan.
 *
 * The partition is named, since a plan for a tenant that it does not know would be one for all of them: five times the
 * planning, a lock on each table and index, and planned anew on every connection whenever one of them is analysed.
 */
export function tenantInSql(tenantId: string, { messages, partition }: TenantFacts): TenantInSql {
  const suffix = partition === undefined ? '' : `_p${partition}`;
  return {
    id: messages < largeTenant ? sql<string>`${tenantId}` : sql.lit(tenantId),
    message: sql.table(`message${suffix}`),
    embedding: sql.table(`embedding${suffix}`),
  };
}
