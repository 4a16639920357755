import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import type { GraphOptions } from '@memory-layer/shared/vector-index/segment-index';
import type { Client } from 'pg';
import { idAt } from '../harness/populate.ts';
import { buildSegment, type Segment } from '../harness/segments.ts';
import type { Session } from '../harness/session.ts';

export const tenantId = 'bench';
export const generation = 1;

/** How many vectors the tenant has, and of which size. */
export interface Size {
  readonly count: number;
  readonly dimension: number;
}

export const small = { m: 8, efConstruction: 32 };
export const large = { m: 16, efConstruction: 32 };

/** Vectors `from` (left out) to `through`, by their number. */
export interface NumberRange {
  readonly from: number;
  readonly through: number;
}

/** Ranges side by side, in tenths of the whole. */
export function split(count: number, ...tenths: readonly number[]): NumberRange[] {
  let from = 0;
  return tenths.map((size) => {
    const range = { from, through: from + (size * count) / 10 };
    from = range.through;
    return range;
  });
}

export function segmentOf({ from, through }: NumberRange): Segment {
  return { tenantId, generation, afterId: idAt(from), throughId: idAt(through) };
}

/** Builds the index of a range at once. @returns CPU milliseconds. */
export async function build(
  { client, used }: Session,
  range: NumberRange,
  graph: GraphOptions & { readonly dimension: number },
): Promise<number> {
  const before = used();
  await buildSegment(client, segmentOf(range), graph);
  return (used() - before) * 1000;
}

/** Stores messages `from` on, `rowsAtOnce` a statement, as the embed worker writes them: message, then vector. */
export async function insertVectors(
  client: Client,
  vectors: readonly Float32Array[],
  from: number,
  rowsAtOnce = 500,
): Promise<void> {
  for (let start = 0; start < vectors.length; start += rowsAtOnce) {
    const chunk = vectors.slice(start, start + rowsAtOnce);
    const ids = chunk.map((_, index) => idAt(from + start + index));
    await client.query(
      `insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                            created_at, updated_at, search_language, search_vector)
       select $1, id, 'c', 'user', 'text', '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', 'text') from unnest($2::uuid[]) id`,
      [tenantId, ids],
    );
    await client.query(
      `insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                              created_at)
       select $1, id, $2, 0, vector::halfvec, 'c', 'user', 0.2, now()
       from unnest($3::uuid[], $4::text[]) as v (id, vector)`,
      [tenantId, generation, ids, chunk.map(toVectorLiteral)],
    );
  }
}
