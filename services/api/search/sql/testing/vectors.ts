import type { Schema } from '@memory-layer/shared/db/schema';
import { allIds, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { segmentIndexName, type IndexSegment } from '@memory-layer/shared/vector-index/segment-index';
import { createSegmentIndexStatement } from '@memory-layer/shared/vector-index/segment-index.sql';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { planTenant } from '../../plan/search-plan.ts';
import { planNearest } from '../../plan/vector-plan.ts';
import type { ReadySegments } from '../../stats/segment-directory.ts';
import { nearestCandidates, type NearestQuery, type NearestRow } from '../nearest.sql.ts';
import { tenantSql } from '../tenant.sql.ts';

export const generation = 1;
export const dimension = 8;

/** In the order of n, of a time long ago. */
export function idOf(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/**
 * Messages `first` to `last`, in the directions of a few dozen topics. Of ten, one has one passage, six two, three three;
 * conversations `half`, `twentieth` and `rare` hold that share of them, and so says their metadata.
 */
export async function addMessages(db: Kysely<Schema>, tenantId: string, last: number, first = 1): Promise<void> {
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select ${tenantId}, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, share,
           case when n % 3 = 0 then 'assistant' else 'user' end, 'text ' || n, jsonb_build_object('share', share),
           (n * 7 % 100) / 100.0, '', '2024-01-01'::timestamptz + make_interval(mins => n), now(), 'english 3', to_tsvector('english', 'text ' || n)
    from generate_series(${first}::int, ${last}::int) n,
         lateral (select case when n % 2 = 0 then 'half' when n % 20 = 1 then 'twentieth' when n % 200 = 3 then 'rare'
                         else 'c-' || n % 7 end as share) s
  `.execute(db);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
    select m.tenant_id, m.id, ${generation}, p,
           (select array_agg(sin(topic * (i + 1) * 0.7) + 0.4 * sin((n * 3 + p) * (i + 1) * 0.37) + 0.01)
            from generate_series(1, ${dimension}::int) i)::halfvec,
           m.conversation_id, m.role, m.importance, m.created_at
    from message m, lateral (select substr(m.content, 6)::int as n) c, lateral (select n * 31 % 47 as topic) t,
         lateral generate_series(0, case when n % 10 = 0 then 0 when n % 10 < 7 then 1 else 2 end) p
    where m.tenant_id = ${tenantId} and m.id >= ${idOf(first)}
  `.execute(db);
}

/** Of the messages after `from`; the first one begins with all ids. */
export const segmentOf = (tenantId: string, from: number, through: number): IndexSegment => ({
  tenantId,
  generation,
  afterId: from === 0 ? allIds.afterId : idOf(from),
  throughId: idOf(through),
});

/** As the embed worker builds it. */
export async function buildSegment(db: Kysely<Schema>, segment: IndexSegment): Promise<void> {
  const { rows } = await sql<{ partition: string }>`
    select tableoid::regclass::text as partition from embedding where tenant_id = ${segment.tenantId} limit 1
  `.execute(db);
  const partition = rows[0]?.partition ?? '';
  const graph = { m: 8, efConstruction: 32, dimension, partition };
  await sql.raw(createSegmentIndexStatement(segment, graph)).execute(db);
}

export async function dropSegment(db: Kysely<Schema>, segment: IndexSegment): Promise<void> {
  await sql.raw(`drop index concurrently "${segmentIndexName(segment)}"`).execute(db);
}

/** Segments that say that they are large, so that their graphs are asked although a test has few vectors. */
export function known(ranges: readonly IdRange[], count: number): ReadySegments {
  return {
    segments: ranges.map(({ afterId, throughId }) => ({ afterId, throughId, vectors: 1_000_000 })),
    rowsPerMessage: 2.2,
    sample: Array.from({ length: 40 }, (_, index) => idOf(1 + Math.floor(((index + 0.5) * count) / 40))),
  };
}

const queryVector = '[0.3,-0.1,0.5,0.2,-0.4,0.1,0.7,0.2]';

export type Wanted = Pick<NearestQuery, 'limit' | 'segments'> & { readonly tenantId: string } & Partial<
    Pick<NearestQuery, 'filter' | 'messageCondition'>
  >;

/** The whole statement of a search by vector. */
export function nearestStatement({ tenantId, ...wanted }: Wanted): RawBuilder<NearestRow> {
  const { segments, limit, filter, messageCondition } = wanted;
  const isJoined = messageCondition !== undefined;
  const candidates = nearestCandidates({
    tenant: tenantSql(planTenant(tenantId, { messages: Infinity })),
    generation,
    dimension,
    vector: sql`(select vector from probe)`,
    limit,
    filter,
    messageCondition,
    segments,
    graphs: planNearest(segments, { limit, isJoined, isFiltered: filter !== undefined || isJoined }),
  });
  return sql<NearestRow>`
    with probe as materialized (select ${queryVector}::halfvec as vector), nearest as (${candidates})
    select id, distance from nearest order by distance, id`;
}

/** What is right: the same, with nothing but a comparison of all. */
export async function allByDistance(db: Kysely<Schema>, tenantId: string, matching = 'true'): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select m.id from message m join embedding e on e.tenant_id = m.tenant_id and e.message_id = m.id
    where m.tenant_id = ${tenantId} and e.generation = ${generation} and ${sql.raw(matching)}
    group by m.id order by min(e.vector <=> ${queryVector}::halfvec), m.id
  `.execute(db);
  return rows.map((row) => row.id);
}
