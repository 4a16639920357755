import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import { decodeHalfvec } from '@memory-layer/shared/db/halfvec';
import type { Schema } from '@memory-layer/shared/db/schema';
import { normalise } from '@memory-layer/shared/embedding/vector';
import { sql, type Kysely } from 'kysely';

export interface MeanVectorQuery {
  readonly tenantId: string;
  readonly generation: number;
  readonly ids: readonly string[];
  readonly signal?: AbortSignal;
}

/** One vector a message, the mean direction of its passages, by id. A message that is not embedded has none. */
export async function listMeanVectors(
  db: Kysely<Schema>,
  { tenantId, generation, ids, signal }: MeanVectorQuery,
): Promise<ReadonlyMap<string, Float32Array>> {
  const result = await sql<{ id: string; mean: Buffer }>`
    select message_id as id, halfvec_send(avg(vector)) as mean from embedding
    where tenant_id = ${tenantId} and generation = ${generation} and message_id = any(${[...ids]}::uuid[])
    group by message_id`.execute(db, cancelledBy(signal));
  return new Map(result.rows.map((row) => [row.id, normalise(decodeHalfvec(row.mean))]));
}
