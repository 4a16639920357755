import type { Schema } from '@memory-layer/shared/db/schema';
import type { IdRange } from '@memory-layer/shared/vector-index/id-range';
import { sql, type Kysely } from 'kysely';

/** A range of message ids whose vectors have an index. */
export interface ReadySegment extends IdRange {
  /** Vectors in the range when they were last counted. */
  readonly vectors: number;
}

/** What a look at all of a tenant's vectors has shown. */
export interface VectorSample {
  /** Passages of a message, in the mean. */
  readonly rowsPerMessage: number;
  /** Ids of messages spread evenly over the tenant's vectors, by which the share of a filter is estimated. */
  readonly sample: readonly string[];
}

export type ReadySegmentsRepository = ReturnType<typeof createReadySegmentsRepository>;

/** What the embed workers have written down about their indexes. */
export function createReadySegmentsRepository(db: Kysely<Schema>) {
  return {
    async listSegments(tenantId: string, generation: number): Promise<ReadySegment[]> {
      const rows = await db
        .selectFrom('vector_index')
        .select(['after_id', 'through_id', 'vectors'])
        .where('tenant_id', '=', tenantId)
        .where('generation', '=', generation)
        .where('state', '=', 'ready')
        .orderBy('after_id')
        .execute();
      return rows.map((row) => ({ afterId: row.after_id, throughId: row.through_id, vectors: row.vectors }));
    },

    /** Reads all of the tenant's keys, about a quarter of a second for a million: not for every search. */
    async takeSample(tenantId: string, generation: number, every: number): Promise<VectorSample> {
      const { rows } = await sql<{ vectors: number; messages: number; sample: string[] | null }>`
        with numbered as (
          select message_id, passage_no, row_number() over (order by message_id, passage_no) as n
          from embedding where tenant_id = ${tenantId} and generation = ${generation}
        )
        select count(*)::int as vectors, (count(*) filter (where passage_no = 0))::int as messages,
               array_agg(distinct message_id::text) filter (where n % ${every}::int = 0) as sample
        from numbered
      `.execute(db);
      const [row] = rows;
      return {
        rowsPerMessage: row === undefined ? 1 : Math.max(1, row.vectors / Math.max(1, row.messages)),
        sample: row?.sample ?? [],
      };
    },
  };
}
