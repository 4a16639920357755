import type { Schema } from '@memory-layer/shared/db/schema';
import { uncoveredRanges, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { indexedVector, segmentCondition } from '@memory-layer/shared/vector-index/segment-index.sql';
import { sql, type Kysely } from 'kysely';

export const generation = 1;
export const dimension = 8;

/** In the order of n, of a time long ago. */
export function idOf(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** Embedded messages `first` to `last`, each with a vector of its own. */
export async function addVectors(db: Kysely<Schema>, tenantId: string, first: number, last: number): Promise<void> {
  await sql`
    with numbered as (
      select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id, n
      from generate_series(${first}::int, ${last}::int) n),
    messages as (
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
      select ${tenantId}, id, 'c', 'user', 'text ' || n, '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', 'text ' || n) from numbered)
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
    select ${tenantId}, id, ${generation}, 0,
           (select array_agg(sin(n * n * (i + 1) * 0.37) + 0.01) from generate_series(1, ${dimension}::int) i)::halfvec,
           'c', 'user', 0.2, now()
    from numbered
  `.execute(db);
}

export async function deleteMessages(db: Kysely<Schema>, tenantId: string, range: IdRange): Promise<void> {
  await db
    .deleteFrom('message')
    .where('tenant_id', '=', tenantId)
    .where('id', '>', range.afterId)
    .where('id', '<=', range.throughId)
    .execute();
}

/** The statement of a search that takes each segment from its index and the rest exactly. */
export function nearestStatement(tenantId: string, segments: readonly IdRange[], limit: number): string {
  const query = `'[0.3,-0.1,0.5,0.2,-0.4,0.1,0.7,0.2]'::halfvec`;
  const parts = [...segments, ...uncoveredRanges(segments)].map((range, index) => {
    const distance = `${index < segments.length ? indexedVector(dimension) : 'vector'} <=> ${query}`;
    const condition = segmentCondition({ ...range, tenantId, generation });
    return `(select message_id, ${distance} as distance from embedding where ${condition} order by ${distance} limit ${limit})`;
  });
  return `select message_id::text as id from (${parts.join(' union all ')}) parts order by distance limit ${limit}`;
}

/** The names of the nearest messages: with these segments, and with none. */
export async function search(db: Kysely<Schema>, tenantId: string, segments: readonly IdRange[]) {
  const rows = async (using: readonly IdRange[]) =>
    (await sql.raw<{ id: string }>(nearestStatement(tenantId, using, 10)).execute(db)).rows.map((row) => row.id);
  return { found: await rows(segments), nearest: await rows([]) };
}
