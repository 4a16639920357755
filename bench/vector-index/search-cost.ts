import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { uncoveredRanges, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { indexedVector, segmentCondition } from '@memory-layer/shared/vector-index/segment-index.sql';
import { median } from '../embedding/median.ts';
import { generation, tenantId } from './one-tenant.ts';
import type { Session } from './session.ts';

export interface SearchCost {
  /** CPU of the server, milliseconds a query. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly indexesUsed: number;
  /** Ids by query, nearest first. */
  readonly found: readonly (readonly string[])[];
}

export interface SearchSettings {
  readonly segments: readonly IdRange[];
  /** What the planner may not see beyond: the tenant's newest id, in order to leave out a tail. */
  readonly throughId: string;
  /** `hnsw.ef_search`. */
  readonly ef: number;
  readonly limit: number;
}

/** Each segment by its index, the rest exactly. */
export async function measureSearch(
  session: Session,
  queries: readonly Float32Array[],
  settings: SearchSettings,
): Promise<SearchCost> {
  const { client, used } = session;
  await client.query(`set hnsw.ef_search = ${Math.min(1000, settings.ef)}`);
  const statements = queries.map((query) => statement(toVectorLiteral(query), settings));
  const indexesUsed = await countIndexesUsed(session, statements[0] ?? '');
  const times: number[] = [];
  const found: string[][] = [];
  const before = used();
  for (const text of statements) {
    const startedAt = performance.now();
    const { rows } = await client.query<{ id: string }>(text);
    times.push(performance.now() - startedAt);
    found.push(rows.map((row) => row.id));
  }
  return { cpuMs: ((used() - before) * 1000) / queries.length, p50Ms: median(times), found, indexesUsed };
}

function statement(vector: string, { segments, throughId, limit }: SearchSettings): string {
  const rest = uncoveredRanges(segments).map((range) => ({
    ...range,
    throughId: range.throughId < throughId ? range.throughId : throughId,
  }));
  const parts = [...segments, ...rest.filter((range) => range.afterId < range.throughId)].map((range, index) => {
    const column = index < segments.length ? indexedVector(vector.split(',').length) : 'vector';
    const condition = segmentCondition({ ...range, tenantId, generation });
    const distance = `${column} <=> '${vector}'::halfvec`;
    return `(select message_id, ${distance} as distance from embedding where ${condition} order by ${distance} limit ${limit})`;
  });
  return `select message_id::text as id from (${parts.join(' union all ')}) parts order by distance limit ${limit}`;
}

/** The planner may find reading all of a small segment cheaper. */
async function countIndexesUsed({ client }: Session, text: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`);
  return rows.filter((row) => row['QUERY PLAN'].includes('using embedding_hnsw_')).length;
}

/** The share of the nearest k that were among what was found. */
export function recall(found: SearchCost['found'], nearest: SearchCost['found'], k: number): number {
  const hits = nearest.map((ids, index) => ids.slice(0, k).filter((id) => found[index]?.includes(id)).length);
  return hits.reduce((a, b) => a + b, 0) / (nearest.length * k);
}
