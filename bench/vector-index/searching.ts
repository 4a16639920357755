import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { uncoveredRanges, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { segmentIndexName } from '@memory-layer/shared/vector-index/segment-index';
import { indexedVector, segmentCondition } from '@memory-layer/shared/vector-index/segment-index.sql';
import { idAt } from '../harness/populate.ts';
import { runAll, type Session } from '../harness/session.ts';
import { mean, median, rounded } from '../harness/statistics.ts';
import type { Line } from '../harness/table.ts';
import { build, generation, large, segmentOf, small, split, tenantId, type Size } from './one-tenant.ts';

interface SearchSettings {
  readonly segments: readonly IdRange[];
  /** What the planner may not see beyond: the tenant's newest id, in order to leave out a tail. */
  readonly throughId: string;
  /** `hnsw.ef_search`. */
  readonly ef: number;
  readonly limit: number;
}

/** What a search finds and costs, exactly and with the tenant's index in more and more segments. */
export async function compareSearch(session: Session, queries: readonly Float32Array[], { count, dimension }: Size) {
  const exactly = (part: number) =>
    search(session, queries, { segments: [], throughId: idAt(count * part), ef: 40, limit: 200 });
  const exact = await exactly(1);
  const lines: Line[] = [{ what: `exact, ${count}`, 'recall@10': 1, 'recall@50': 1, ...costOf(exact) }];
  for (const part of [0.025, 0.05, 0.1]) lines.push({ what: `exact, ${count * part}`, ...costOf(await exactly(part)) });
  for (const tenths of [[10], [9, 1], [6, 3, 1], [3, 3, 1, 1, 1, 1]]) {
    const ranges = split(count, ...tenths);
    let built = 0;
    for (const range of ranges) {
      // As the embed worker builds them.
      const graph = range.through - range.from < 50_000 ? small : large;
      built += await build(session, range, { ...graph, dimension });
    }
    console.error(`${tenths.join(' + ')} tenths: ${rounded(built / count)} CPU ms a vector`);
    const segments = ranges.map(segmentOf);
    for (const ef of [100, 200, 400]) {
      const found = await search(session, queries, { segments, throughId: idAt(count), ef, limit: Math.min(ef, 200) });
      lines.push({
        what: `${tenths.join(' + ')} tenths, ef_search ${ef}`,
        'recall@10': rounded(recall(found.ids, exact.ids, 10)),
        'recall@50': rounded(recall(found.ids, exact.ids, 50)),
        ...costOf(found),
        'of exact': rounded(found.cpuMs / exact.cpuMs),
        'indexes used': found.indexesUsed,
      });
      console.error(lines.at(-1));
    }
    for (const segment of segments) await session.client.query(`drop index "${segmentIndexName(segment)}"`);
  }
  return lines;
}

type Found = Awaited<ReturnType<typeof search>>;

function costOf({ cpuMs, times }: Found): Line {
  return { 'CPU ms': rounded(cpuMs), 'p50 ms': rounded(median(times)) };
}

/** Each segment by its index, the rest exactly. */
async function search(session: Session, queries: readonly Float32Array[], settings: SearchSettings) {
  const { client } = session;
  await client.query(`set hnsw.ef_search = ${settings.ef}`);
  const statements = queries.map((query) => ({ text: statementOf(toVectorLiteral(query), settings) }));
  const plan = await client.query<{ 'QUERY PLAN': string }>(`explain ${statements[0]?.text}`);
  // The planner may find reading all of a small segment cheaper.
  const indexesUsed = plan.rows.filter((row) => row['QUERY PLAN'].includes('using embedding_hnsw_')).length;
  const { found, ...cost } = await runAll<{ id: string }>(session, statements);
  return { ...cost, indexesUsed, ids: found.map((rows) => rows.map(({ id }) => id)) };
}

function statementOf(vector: string, { segments, throughId, limit }: SearchSettings): string {
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

/** The share of the nearest k that were among what was found. */
function recall(found: Found['ids'], nearest: Found['ids'], k: number): number {
  return mean(nearest.map((ids, query) => ids.slice(0, k).filter((id) => found[query]?.includes(id)).length)) / k;
}
