import { LRUCache } from 'lru-cache';
import { sql, type Kysely } from 'kysely';
import { cancelledBy } from './cancel/cancelled-by.ts';
import type { Schema } from './schema.ts';

/** Partitions of `message`, and of `embedding`: `message_p0` to `message_p15`, as the first migration names them. */
export const partitionCount = 16;

const maxTenants = 100_000;

/** The name of a partition, as {@link TenantPartitions} numbers them. */
export function partitionName(table: 'message' | 'embedding', partition: number): string {
  return `${table}_p${partition}`;
}

/** Knows in which partition a tenant's messages and vectors are. It never changes, so it is asked for once. */
export class TenantPartitions {
  readonly #db: Kysely<Schema>;
  readonly #known = new LRUCache<string, Promise<number>>({ max: maxTenants });

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** @returns 0 to 15, the same for both tables, whether the tenant has rows or not. */
  get(tenantId: string): Promise<number> {
    const known = this.#known.get(tenantId);
    if (known !== undefined) return known;
    const partition = this.#find(tenantId);
    this.#known.set(tenantId, partition);
    partition.catch(() => {
      if (this.#known.peek(tenantId) === partition) this.#known.delete(tenantId);
    });
    return partition;
  }

  async #find(tenantId: string): Promise<number> {
    const { rows } = await sql<{ partition: number }>`
      select n as partition from generate_series(0, ${sql.lit(partitionCount - 1)}) n
      where satisfies_hash_partition('message'::regclass, ${sql.lit(partitionCount)}, n, ${tenantId}::text)
        and (select count(*) from pg_class
             where oid in (to_regclass('message_p' || n), to_regclass('embedding_p' || n))
               and pg_get_expr(relpartbound, oid)
                   = format('FOR VALUES WITH (modulus %s, remainder %s)', ${sql.lit(partitionCount)}::int, n)) = 2`.execute(
      this.#db,
      // All callers read: what the database ends is a passed deadline. Many may wait for it, so no request ends it.
      cancelledBy(new AbortController().signal),
    );
    const [row] = rows;
    if (row === undefined) {
      throw new Error(`the tables "message" and "embedding" have other partitions than ${partitionCount}`);
    }
    return row.partition;
  }
}
