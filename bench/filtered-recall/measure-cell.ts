import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Schema } from '@memory-layer/shared/db/schema';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { compiled, runAll, type Session } from '../harness/session.ts';
import { mean, median, rounded } from '../harness/statistics.ts';
import type { FilterCell } from './cells.ts';
import { generation, type Tenant } from './one-database.ts';
import {
  nearestCandidates,
  planNearest,
  planTenant,
  tenantSql,
  type NearestQuery,
} from '../harness/search-internals.ts';

/** A line of the table. */
export interface CellResult {
  readonly messages: number;
  readonly filter: string;
  readonly matching: number;
  /** Fewest messages that a search came back with. */
  readonly 'shortest answer': number;
  readonly 'recall@10, worst': number;
  readonly mean: number;
  readonly 'CPU ms': number;
  readonly 'ms p50': number;
  /** As many as wanted or as there are, all different, and the nearest among them. */
  readonly isRight: boolean;
}

export interface CellSettings {
  readonly tenant: Tenant;
  readonly cell: FilterCell;
  readonly segments: NearestQuery['segments'];
  readonly queries: readonly Float32Array[];
  readonly limit: number;
}

interface Row {
  readonly id: string;
  readonly distance: number;
}

const k = 10;
const recallWanted = 0.98;

/** One cell of the table: the search of the api, one after the other on one connection, beside a look at everything. */
export async function measureCell(session: Session, db: Kysely<Schema>, settings: CellSettings): Promise<CellResult> {
  const { tenant, cell, queries, limit } = settings;
  const statements = queries.map((query) => compiled(db, nearest(settings, query)));
  await session.client.query(statements[0]?.text ?? '', statements[0]?.values);
  const { found, times, cpuMs } = await runAll<Row>(session, statements);
  let matching = 0;
  const recalls: number[] = [];
  for (const [index, query] of queries.entries()) {
    const { text, values } = compiled(db, exact(settings, query));
    const { rows } = await session.client.query<Row & { matching: number }>(text, values);
    matching = rows[0]?.matching ?? 0;
    recalls.push(recall(found[index] ?? [], rows));
  }
  const shortest = Math.min(...found.map((rows) => new Set(rows.map((row) => row.id)).size));
  const meanRecall = mean(recalls);
  return {
    messages: tenant.messages,
    filter: cell.kind === 'none' ? 'none' : `${cell.kind}, ${cell.share}`,
    matching,
    'shortest answer': shortest,
    'recall@10, worst': rounded(Math.min(...recalls)),
    mean: rounded(meanRecall),
    'CPU ms': rounded(cpuMs),
    'ms p50': rounded(median(times)),
    isRight: shortest === Math.min(limit, matching) && meanRecall >= recallWanted,
  };
}

function nearest({ tenant, cell, segments, limit }: CellSettings, query: Float32Array): RawBuilder<unknown> {
  const { filter, messageCondition } = cell;
  const vector = sql`(select vector from probe)`;
  const dimension = query.length;
  const isJoined = messageCondition !== undefined;
  const graphs = planNearest(segments, { limit, isJoined, isFiltered: filter !== undefined || isJoined });
  const candidates = nearestCandidates({
    tenant: tenantSql(planTenant(tenant.tenantId, { messages: Infinity })),
    generation,
    dimension,
    vector,
    limit,
    filter,
    messageCondition,
    segments,
    graphs,
  });
  return sql`
    with probe as materialized (select ${toVectorLiteral(query)}::halfvec as vector), nearest as (${candidates})
    select id, distance from nearest order by distance, id`;
}

/** The nearest of all that match, found without anything of what is measured. */
function exact({ tenant, cell }: CellSettings, query: Float32Array): RawBuilder<unknown> {
  return sql`
    select m.id, min(e.vector <=> ${toVectorLiteral(query)}::halfvec) as distance, (count(*) over ())::int as matching
    from message m join embedding e on e.tenant_id = ${tenant.tenantId} and e.message_id = m.id
    where m.tenant_id = ${tenant.tenantId} and e.generation = ${generation} and ${cell.matching}
    group by m.id order by 2, 1 limit ${k}`;
}

/** The share of the nearest that was found. One that is as near as the last of them is as good. */
function recall(found: readonly Row[], nearestRows: readonly Row[]): number {
  if (nearestRows.length === 0) return 1;
  const last = nearestRows.at(-1)?.distance ?? 0;
  const hits = found.filter((row) => row.distance <= last).length;
  return Math.min(hits, nearestRows.length) / nearestRows.length;
}
