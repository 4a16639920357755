import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import type { Database } from '@memory-layer/shared/db/database';
import type { Role } from '@memory-layer/shared/db/schema';
import { sql } from 'kysely';
import { requestLimits } from '../cost/request-cost.ts';
import { isWithinBytes, messageBytes } from '../cost/within-bytes.sql.ts';
import { isKeepable, isPassage, type CandidateQuery } from './candidates/candidate-query.ts';
import { findCandidates } from './candidates/find-candidates.ts';
import { findNeighbourhood } from './candidates/find-neighbourhood.ts';
import { listNeighbours } from './shown/list-neighbours.ts';
import { listMeanVectors } from './shown/mean-vectors.ts';

/** What is shown of a hit, and its plain similarity. */
export interface HitRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
  /** Of both, as text. */
  readonly bytes: number;
  readonly created_at: Date;
  readonly similarity: number | null;
  /** The newest message of the tenant, hit or not. */
  readonly newest_id: string;
}

/** A hit that is there, and is too large to be read with those before it. */
export type UnreadHitRow = Omit<HitRow, 'content' | 'metadata'> & { readonly content: null; readonly metadata: null };

/** Where statements go that are kept, and those that are not. */
export type SearchedDatabase = Pick<Database, 'queries' | 'prepared'>;

export type SearchRepository = ReturnType<typeof createSearchRepository>;

export function createSearchRepository({ queries, prepared }: SearchedDatabase) {
  const databaseFor = (query: CandidateQuery) => (isKeepable(query) ? prepared : queries);

  return {
    /** The best by vector and the best by words: see {@link findCandidates}. */
    findCandidates: (query: CandidateQuery) => findCandidates(databaseFor(query), query),

    /** What stands around the best of them: see {@link findNeighbourhood}. */
    findNeighbourhood: (query: CandidateQuery, ids: readonly string[]) =>
      findNeighbourhood(databaseFor(query), query, ids),

    /**
     * The messages to show, in no particular order. One that was deleted meanwhile is missing. Of the first ids, as many
     * are read as have `maxBytes` together.
     */
    async getHits(
      { tenant, generation, signal }: Pick<CandidateQuery, 'tenant' | 'generation' | 'signal'>,
      ids: readonly string[],
      vector: Float32Array | undefined,
      maxBytes: number = requestLimits.answerBytes,
    ): Promise<(HitRow | UnreadHitRow)[]> {
      const similarity =
        vector === undefined
          ? sql<null>`null::float8`
          : sql<number>`(select 1 - min(e.vector <=> ${encodeHalfvec(vector)}::halfvec) from ${tenant.embedding} e
              where ${isPassage(tenant.id, generation)})`;
      const bytes = messageBytes(sql.ref('m'));
      const fits = isWithinBytes(bytes, sql`array_position(${[...ids]}::uuid[], m.id)`, maxBytes);
      const result = await sql<HitRow | UnreadHitRow>`
        select m.id, m.conversation_id, m.role, case when ${fits} then m.content end as content,
               case when ${fits} then m.metadata end as metadata, ${bytes} as bytes, m.created_at,
               ${similarity} as similarity,
               (select n.id from ${tenant.message} n where n.tenant_id = ${tenant.id} order by n.id desc limit 1) as newest_id
        from ${tenant.message} m where m.tenant_id = ${tenant.id} and m.id = any(${[...ids]}::uuid[])
      `.execute(prepared, cancelledBy(signal));
      return result.rows;
    },

    /** The messages shown around hits: see {@link listNeighbours}. */
    listNeighbours: (query: Parameters<typeof listNeighbours>[1]) => listNeighbours(queries, query),

    /** What candidates are compared with one another by: see {@link listMeanVectors}. */
    listMeanVectors: (query: Parameters<typeof listMeanVectors>[1]) => listMeanVectors(queries, query),
  };
}
