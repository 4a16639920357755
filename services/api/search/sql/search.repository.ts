import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Database } from '@memory-layer/shared/db/database';
import type { SearchPlan } from '../plan/search-plan.ts';
import type { Candidate } from '../ranking/candidate.ts';
import { createNeighbourhood, noNeighbourhood, type Neighbourhood } from '../ranking/context.ts';
import { candidatesStatement, toCandidate } from './candidates.sql.ts';
import {
  hitsStatement,
  meanVectorsStatement,
  toDirections,
  type HitQuery,
  type HitRow,
  type MeanVectorQuery,
  type UnreadHitRow,
} from './hits.sql.ts';
import { textsStatement, type TextQuery, type TextRow } from './texts.sql.ts';
import {
  contextStatement,
  neighboursByHit,
  shownStatement,
  toNeighbourhoodRow,
  type NeighbourQuery,
  type ShownNeighbours,
} from './neighbours.sql.ts';

export type { HitRow, ShownNeighbours, TextRow, UnreadHitRow };

/** Connections that keep prepared statements, and those that do not. */
export type SearchedDatabase = Pick<Database, 'queries' | 'prepared'>;

export interface FoundNeighbourhood {
  /** Those given and those around them, each once. */
  readonly candidates: readonly Candidate[];
  readonly neighbourhood: Neighbourhood;
}

export type SearchRepository = ReturnType<typeof createSearchRepository>;

/** Runs plans. Each method is one statement. */
export function createSearchRepository({ queries, prepared }: SearchedDatabase) {
  const databaseFor = (plan: SearchPlan) => (plan.isPreparable ? prepared : queries);

  return {
    /** The best by vector and the best by words, each with all that it is ranked by. */
    async findCandidates(plan: SearchPlan): Promise<Candidate[]> {
      const { rows } = await candidatesStatement(plan).execute(databaseFor(plan), cancelledBy(plan.signal));
      return rows.map(toCandidate);
    },

    /** The messages up to two before and after each of those given. */
    async findNeighbourhood(plan: SearchPlan, ids: readonly string[]): Promise<FoundNeighbourhood> {
      if (ids.length === 0) return { candidates: [], neighbourhood: noNeighbourhood };
      const { rows } = await contextStatement(plan, ids).execute(databaseFor(plan), cancelledBy(plan.signal));
      return { candidates: rows.map(toCandidate), neighbourhood: createNeighbourhood(rows.map(toNeighbourhoodRow)) };
    },

    /**
     * The messages to show, in no particular order. One that was deleted meanwhile is missing. Of the first ids, as many
     * are read as have `maxBytes` together.
     */
    async getHits(
      query: HitQuery,
      ids: readonly string[],
      vector: Float32Array | undefined,
      maxBytes?: number,
    ): Promise<(HitRow | UnreadHitRow)[]> {
      const result = await hitsStatement(query, ids, vector, maxBytes).execute(prepared, cancelledBy(query.signal));
      return result.rows;
    },

    /** The texts of candidates, in any order, without those that were deleted meanwhile. */
    async listTexts(query: TextQuery): Promise<TextRow[]> {
      if (query.ids.length === 0) return [];
      const { rows } = await textsStatement(query).execute(prepared, cancelledBy(query.signal));
      return rows;
    },

    /** The messages shown around hits, by the id of the hit; a hit that does not exist is missing. */
    async listNeighbours(query: NeighbourQuery): Promise<ReadonlyMap<string, ShownNeighbours>> {
      const { rows } = await shownStatement(query).execute(queries, cancelledBy(query.signal));
      return neighboursByHit(query.ids, rows);
    },

    /** One vector of length 1 a message, by id, to compare candidates with one another. */
    async listMeanVectors(query: MeanVectorQuery): Promise<ReadonlyMap<string, Float32Array>> {
      const { rows } = await meanVectorsStatement(query).execute(queries, cancelledBy(query.signal));
      return toDirections(rows);
    },
  };
}
