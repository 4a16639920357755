import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { indexedVector } from '@memory-layer/shared/vector-index/segment-index.sql';
import { uncoveredRanges, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { sql, type RawBuilder } from 'kysely';
import { efSearchFor, type GraphPlan } from '../plan/vector-plan.ts';
import type { ReadySegments } from '../stats/segment-directory.ts';
import type { TenantSql } from './tenant.sql.ts';

export interface NearestQuery {
  /** A literal where the statement is prepared, since only so it can use the tenant's indexes. */
  readonly tenant: TenantSql;
  readonly generation: number;
  readonly dimension: number;
  /** An expression of type halfvec that may be repeated: a scalar subquery, as a rule. */
  readonly vector: RawBuilder<unknown>;
  /** Different messages wanted. */
  readonly limit: number;
  /** Over the columns that `embedding e` and `message m` have in common; undefined: all. */
  readonly filter: ((alias: 'e' | 'm') => RawBuilder<boolean>) | undefined;
  /** Over `message m`, which is joined for it; undefined: all. */
  readonly messageCondition: RawBuilder<boolean> | undefined;
  readonly segments: ReadySegments;
  /** How the graphs of the segments are asked; undefined: all vectors that pass are compared. */
  readonly graphs: GraphPlan | undefined;
  /** Whether few messages pass the filter: then nothing is found here. Undefined: estimated from a sample. */
  readonly isSelective?: RawBuilder<boolean> | undefined;
}

export interface NearestRow {
  readonly id: string;
  /** Cosine distance of the message's nearest passage. */
  readonly distance: number;
}

/**
 * A query for the nearest messages, nearest first: as many as wanted, or all there are. Exact, or from the graphs of
 * the tenant's segments and exact where there is none; exact too when the graphs come back with too few. Everything is
 * in the one statement, settings included: they last until its transaction ends.
 *
 * What an index is chosen by is written out, not a parameter: the plan may be made without knowing values.
 */
export function nearestCandidates(query: NearestQuery): RawBuilder<NearestRow> {
  const { isSelective, graphs } = query;
  const isOffered = isSelective === undefined ? sql<boolean>`true` : sql<boolean>`not ${isSelective}`;
  if (graphs === undefined) return exactly(query, isOffered);
  const isFiltered = query.filter !== undefined || query.messageCondition !== undefined;
  const common = isSelective === undefined ? isCommon(query, graphs) : sql`select not ${isSelective} as is_true`;
  return sql<NearestRow>`
    with common as materialized (${isFiltered ? common : sql`select true as is_true`}),
    near as (${sql.join([...fromGraphs(query, graphs), ...fromRest(query)], sql` union all `)}),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit ${sql.lit(query.limit)}
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= ${sql.lit(query.limit)}
      union all
      (${exactly(query, sql<boolean>`(select count(*) from best) < ${sql.lit(query.limit)} and ${isOffered}`)})
    ) chosen
    order by distance, id`;
}

/** Reads all that match. */
function exactly(query: NearestQuery, condition = sql<boolean>`true`): RawBuilder<NearestRow> {
  const { tenant, messageCondition } = query;
  const join =
    messageCondition === undefined
      ? sql``
      : sql`join ${tenant.message} m on m.tenant_id = ${tenant.id} and m.id = e.message_id and ${messageCondition}`;
  // Fenced by `offset`: grouping may sort, and is to sort distances, not vectors.
  return sql<NearestRow>`
    select message_id as id, min(distance) as distance from (
      select e.message_id, e.vector <=> ${query.vector} as distance from ${tenant.embedding} e ${join}
      where ${owned(query)} and ${query.filter?.('e') ?? sql`true`} and ${condition}
      offset 0
    ) matching
    group by message_id
    order by 2, 1 limit ${sql.lit(query.limit)}`;
}

/** The tenant's vectors of the generation, of messages that have not expired. */
function owned({ tenant, generation }: NearestQuery): RawBuilder<boolean> {
  return sql<boolean>`e.tenant_id = ${tenant.id} and e.generation = ${sql.lit(generation)} and ${isUnexpired('e')}`;
}

/**
 * Settings are read when a scan begins, not when it is planned, so that one statement can set them for each of its
 * scans: a subquery that has no row in it is asked once, just before the scan that its answer is a condition of.
 */
function settings(rows: number, { maxScanTuples }: GraphPlan): RawBuilder<boolean> {
  return sql<boolean>`(
    select ${local('hnsw.iterative_scan', 'relaxed_order')} and ${local('hnsw.ef_search', String(efSearchFor(rows)))}
      and ${local('hnsw.max_scan_tuples', String(maxScanTuples))})`;
}

function local(name: string, value: string): RawBuilder<boolean> {
  return sql<boolean>`set_config(${sql.lit(name)}, ${sql.lit(value)}, true) is not null`;
}

/** A query of one row, `is_true` when enough of the sample matches for the graphs to be worth asking. */
export function isCommon(query: NearestQuery, { minShare }: GraphPlan): RawBuilder<unknown> {
  const { sample } = query.segments;
  return sql`
    select count(*) >= ${sql.lit(Math.ceil(minShare * sample.length))} as is_true from ${query.tenant.message} m
    where m.tenant_id = ${query.tenant.id} and m.id = any(${[...sample]}::uuid[])
      and ${query.filter?.('m') ?? sql`true`} and ${query.messageCondition ?? sql`true`}`;
}

/** The nearest of each segment, by its index. */
function fromGraphs(query: NearestQuery, graphs: GraphPlan): RawBuilder<unknown>[] {
  const distance = sql`${sql.raw(indexedVector(query.dimension, 'e'))} <=> ${query.vector}`;
  return query.segments.segments.map(
    (segment, index) => sql`(
      select e.message_id, ${distance} as distance from ${query.tenant.embedding} e
      where ${owned(query)} and ${within(segment)} and ${opaque(query)}
        and ${settings(graphs.rows[index] ?? query.limit, graphs)} and (select is_true from common)
      order by ${distance} limit ${sql.lit(graphs.rows[index] ?? query.limit)})`,
  );
}

/** All that no segment covers. */
function fromRest(query: NearestQuery): RawBuilder<unknown>[] {
  return uncoveredRanges(query.segments.segments).map(
    (range) => sql`(
      select e.message_id, e.vector <=> ${query.vector} as distance from ${query.tenant.embedding} e
      where ${owned(query)} and ${within(range)} and ${opaque(query)} and (select is_true from common))`,
  );
}

function within({ afterId, throughId }: IdRange): RawBuilder<boolean> {
  return sql<boolean>`e.message_id > ${sql.lit(afterId)}::uuid and e.message_id <= ${sql.lit(throughId)}::uuid`;
}

/**
 * The filter so that the planner takes half of the rows to match and sees no index for it: many are known to match here,
 * and a wrong guess would read a whole segment.
 */
function opaque({ tenant, filter, messageCondition }: NearestQuery): RawBuilder<boolean> {
  const own = filter === undefined ? sql`true` : sql`coalesce((${filter('e')}), false)`;
  if (messageCondition === undefined) return sql<boolean>`${own}`;
  return sql<boolean>`${own} and coalesce(
    (select (${messageCondition}) from ${tenant.message} m where m.tenant_id = ${tenant.id} and m.id = e.message_id), false)`;
}
