import type { Schema } from '@memory-layer/shared/db/schema';
import type { IdRange } from '@memory-layer/shared/vector-index/id-range';
import { sql, type Kysely } from 'kysely';

/** Whose vectors are counted. */
export interface VectorOwner {
  readonly tenantId: string;
  readonly generation: number;
}

export type VectorCountsRepository = ReturnType<typeof createVectorCountsRepository>;

/** Counts by the primary key alone, so that no vector is read. */
export function createVectorCountsRepository(session: Kysely<Schema>) {
  return {
    /** The next tenants in the order of their ids: all that there are, and those of which only an index is left. */
    async listTenants(afterTenantId: string, limit: number): Promise<string[]> {
      const { rows } = await sql<{ tenant_id: string }>`
        (select tenant_id from tenant where tenant_id > ${afterTenantId} order by tenant_id limit ${limit})
        union
        (select distinct tenant_id from vector_index where tenant_id > ${afterTenantId} order by tenant_id limit ${limit})
        order by tenant_id limit ${limit}
      `.execute(session);
      return rows.map((row) => row.tenant_id);
    },

    /** Vectors in each of the ranges. */
    async count({ tenantId, generation }: VectorOwner, ranges: readonly IdRange[]): Promise<number[]> {
      const { rows } = await sql<{ vectors: number }>`
        select (select count(*)::int from embedding e
                where e.tenant_id = ${tenantId} and e.generation = ${generation}
                  and e.message_id > r.after_id and e.message_id <= r.through_id) as vectors
        from unnest(${ranges.map((range) => range.afterId)}::uuid[], ${ranges.map((range) => range.throughId)}::uuid[])
          with ordinality as r (after_id, through_id, n)
        order by r.n
      `.execute(session);
      return rows.map((row) => row.vectors);
    },

    /** Messages after the id, embedded or not, but no more than the limit. */
    async countArriving({ tenantId, generation }: VectorOwner, afterId: string, limit: number): Promise<number> {
      const { rows } = await sql<{ arriving: number }>`
        select ((select count(*) from (
                   select from embedding where tenant_id = ${tenantId} and generation = ${generation}
                     and message_id > ${afterId} limit ${limit}) recent)
              + (select count(*) from (
                   select from embedding_pending where tenant_id = ${tenantId} and generation = ${generation}
                     and state = 'pending' limit ${limit}) pending))::int as arriving
      `.execute(session);
      return rows[0]?.arriving ?? 0;
    },

    /** The id at which this many vectors of the range have gone by; undefined for none, and when it has fewer. */
    async findIdAt(
      { tenantId, generation }: VectorOwner,
      range: IdRange,
      vectors: number,
    ): Promise<string | undefined> {
      if (vectors < 1) return undefined;
      const { rows } = await sql<{ message_id: string }>`
        select message_id from embedding
        where tenant_id = ${tenantId} and generation = ${generation}
          and message_id > ${range.afterId} and message_id <= ${range.throughId}
        order by message_id offset ${vectors - 1} limit 1
      `.execute(session);
      return rows[0]?.message_id;
    },
  };
}
