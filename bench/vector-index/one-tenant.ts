import type { Client } from 'pg';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';

export const tenantId = 'bench';
export const generation = 1;

/** Message ids in the order of n. */
export function idAt(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** Stores messages `from` on, one statement each `rowsAtOnce`, as the embed worker writes them: message, then vector. */
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
                            created_at, updated_at)
       select $1, id, 'c', 'user', 'text', '{}', 0.2, '', now(), now() from unnest($2::uuid[]) id`,
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

/** The partition that the tenant is in. */
export async function partitionOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    'select tableoid::regclass::text as name from embedding where tenant_id = $1 limit 1',
    [tenantId],
  );
  const name = rows[0]?.name;
  if (name === undefined) throw new Error('nothing was stored');
  return name;
}
