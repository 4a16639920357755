import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { ReadySegment, VectorSample } from './ready-segments.ts';

export type ReadySegmentsRepository = ReturnType<typeof createReadySegmentsRepository>;

/** What the embed workers' keeper of indexes has written down. */
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
