import { sql, type Kysely } from 'kysely';
import type { Schema } from '../db/schema.ts';

/** One model and dimension whose vectors belong together. */
export interface Generation {
  readonly generation: number;
  readonly modelId: string;
  readonly dimension: number;
  /** What is subtracted from query vectors; undefined until it was computed. */
  readonly queryCentre: Float32Array | undefined;
}

export type GenerationRepository = ReturnType<typeof createGenerationRepository>;

export function createGenerationRepository(db: Kysely<Schema>) {
  const columns = ['generation', 'model_id', 'dimension', 'query_centre'] as const;

  return {
    async findActive(): Promise<Generation | undefined> {
      const row = await db
        .selectFrom('embedding_generation')
        .select(columns)
        .where('state', '=', 'active')
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        generation: row.generation,
        modelId: row.model_id,
        dimension: row.dimension,
        queryCentre: row.query_centre === null ? undefined : Float32Array.from(row.query_centre),
      };
    },

    /** Makes the first active generation. Does nothing when another process was faster. */
    async insertActive(modelId: string, dimension: number): Promise<void> {
      await db
        .insertInto('embedding_generation')
        .values({ model_id: modelId, dimension, state: 'active', query_centre: null })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    /** Sets the query centre unless it is set: it never changes once vectors were compared with it. */
    async freezeQueryCentre(generation: number, centre: Float32Array): Promise<void> {
      await db
        .updateTable('embedding_generation')
        .set({ query_centre: sql<number[]>`${Array.from(centre)}::real[]` })
        .where('generation', '=', generation)
        .where('query_centre', 'is', null)
        .execute();
    },
  };
}
