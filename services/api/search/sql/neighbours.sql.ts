import type { Role } from '@memory-layer/shared/db/schema';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { instantFromColumn, type Instant } from '@memory-layer/shared/time/instant';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type RawBuilder } from 'kysely';
import { requestLimits } from '../../cost/request-cost.ts';
import { isWithinBytes, messageBytes } from '../../cost/within-bytes.sql.ts';
import type { SearchPlan } from '../plan/search-plan.ts';
import { neighbourReach, type NeighbourhoodRow } from '../ranking/context.ts';
import { queryParameter, scoredColumns, withIndexedWords, type ScoredRow } from './candidates.sql.ts';
import { isEligible } from './filter.sql.ts';
import { isPassage, messagesById, tenantSql, type TenantSql } from './tenant.sql.ts';

/** A message around the best candidates: what it is ranked by, and how similar it is to the ones before it. */
export interface ContextRow extends ScoredRow {
  readonly previous_id: string | null;
  readonly similarity_1: number | null;
  readonly similarity_2: number | null;
}

/** A message that is shown beside hits. */
export interface ShownRow {
  readonly id: string;
  readonly role: Role;
  /** Null, as its metadata, when it does not fit. */
  readonly content: string | null;
  readonly metadata: Record<string, unknown> | null;
  readonly created_at: string;
  /** The hits that it stands beside: their ids, and its distance from each, negative before it. */
  readonly hit_ids: readonly string[];
  readonly distances: readonly number[];
}

/** A message that stands before or after a hit. */
export interface ShownNeighbour {
  readonly messageId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Instant;
}

/** Each in the order of the conversation. */
export interface ShownNeighbours {
  readonly before: readonly ShownNeighbour[];
  readonly after: readonly ShownNeighbour[];
  /** Fewer than there are: more would be too much for one answer. The nearest are there. */
  readonly truncated: boolean;
}

export interface NeighbourQuery {
  readonly tenantId: string;
  /** The partition of its rows; undefined: all partitions are searched. */
  readonly partition?: number | undefined;
  /** Of the hits, best first. */
  readonly ids: readonly string[];
  readonly count: number;
  /** Of the contents and metadata that are read: the nearest of every hit first, and those of the best hits. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

const placed = 'id, conversation_id, created_at';

/**
 * The messages up to two before and after each of those given, with all that they are ranked by, and how similar each is
 * to the ones before it. A message around several of them is read once.
 */
export function contextStatement(plan: SearchPlan, ids: readonly string[]): RawBuilder<ContextRow> {
  const tenant = tenantSql(plan.tenant);
  return sql<ContextRow>`
    with query as materialized (select ${queryParameter(plan)}::halfvec as vector),
    around as materialized (
      select m.id, earlier.ids || m.id || later.ids as chain
      from ${messagesById(ids, tenant, placed)} cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from ${tenant.message} n
          where n.tenant_id = ${tenant.key} and n.conversation_id = m.conversation_id and ${isUnexpired('n')}
            and (n.created_at, n.id) < (m.created_at, m.id)
          order by n.created_at desc, n.id desc limit ${sql.lit(neighbourReach)}
        ) n
      ) earlier cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from ${tenant.message} n
          where n.tenant_id = ${tenant.key} and n.conversation_id = m.conversation_id and ${isUnexpired('n')}
            and (n.created_at, n.id) > (m.created_at, m.id)
          order by n.created_at, n.id limit ${sql.lit(neighbourReach)}
        ) n
      ) later
    ),
    pool as (
      select distinct on (link.id) link.id, link.previous_id
      from around cross join unnest(chain, null::uuid || chain) as link (id, previous_id)
      where link.id is not null order by link.id, link.previous_id
    ),
    scored as materialized (
      select ${scoredColumns(plan)}, pool.previous_id,
             ${isEligible(plan)} as eligible, passage.vector, passage.vector_score
      from pool join ${tenant.message} m on m.tenant_id = ${tenant.key} and m.id = pool.id ${withIndexedWords}
      ${bestPassage(plan, tenant)}
    )
    select s.id, s.term_scores, s.word_count, s.conversation_id, s.role, s.speaker, s.importance, s.created_at, s.eligible,
           s.vector_score, s.previous_id,
           1 - (s.vector <=> lag(s.vector) over conversation) as similarity_1,
           1 - (s.vector <=> lag(s.vector, 2) over conversation) as similarity_2
    from scored s
    window conversation as (partition by s.conversation_id order by s.created_at, s.id)
  `;
}

/** Joins the passage of `message m` that is nearest to the query. Its distance is written so that no index orders by it. */
function bestPassage({ generation, vector }: SearchPlan, tenant: TenantSql): RawBuilder<unknown> {
  if (vector === undefined) {
    return sql`cross join (select null::halfvec as vector, null::float8 as vector_score) passage`;
  }
  return sql`left join lateral (
    select e.vector, 1 - (e.vector <=> (select vector from query)) as vector_score from ${tenant.embedding} e
    where ${isPassage(tenant, generation)} order by 1 - (e.vector <=> (select vector from query)) desc limit 1
  ) passage on true`;
}

export function toNeighbourhoodRow(row: ContextRow): NeighbourhoodRow {
  return {
    id: row.id,
    previousId: row.previous_id ?? undefined,
    similarities: [row.similarity_1 ?? undefined, row.similarity_2 ?? undefined],
  };
}

/**
 * Up to `count` messages before and after each of the given ones, of the same tenant and conversation, in the order of
 * (created_at, id). A message beside several hits is read once.
 */
export function shownStatement({
  tenantId,
  partition,
  ids,
  count,
  maxBytes = requestLimits.answerBytes,
}: NeighbourQuery): RawBuilder<ShownRow> {
  const fits = isWithinBytes(messageBytes(sql.ref('n')), sql`beside.nearest, beside.best_hit, n.id`, maxBytes);
  // Every table names the tenant: a column of another table would bring all partitions into the plan.
  const tenant = tenantSql({ id: tenantId, isLiteral: false, partition });
  const { key, message } = tenant;
  return sql<ShownRow>`
    with beside as (
      select near.id, array_agg(m.id::text) as hit_ids, array_agg(near.distance) as distances,
             min(abs(near.distance)) as nearest, min(array_position(${[...ids]}::uuid[], m.id)) as best_hit
      from ${messagesById(ids, tenant, placed)} cross join lateral (
        (select n.id, -(row_number() over (order by n.created_at desc, n.id desc))::int as distance from ${message} n
         where n.tenant_id = ${key} and n.conversation_id = m.conversation_id and ${isUnexpired('n')}
           and (n.created_at, n.id) < (m.created_at, m.id)
         order by n.created_at desc, n.id desc limit ${count})
        union all
        (select n.id, (row_number() over (order by n.created_at, n.id))::int as distance from ${message} n
         where n.tenant_id = ${key} and n.conversation_id = m.conversation_id and ${isUnexpired('n')}
           and (n.created_at, n.id) > (m.created_at, m.id)
         order by n.created_at, n.id limit ${count})
      ) near
      group by near.id
    )
    select n.id, n.role, case when ${fits} then n.content end as content,
           case when ${fits} then n.metadata end as metadata, ${instantColumn('n.created_at')} as created_at,
           beside.hit_ids, beside.distances
    from beside join ${message} n on n.tenant_id = ${key} and n.id = beside.id
  `;
}

interface NearRow {
  readonly row: ShownRow;
  readonly distance: number;
}

/** The neighbours of each hit, by the id of the hit. */
export function neighboursByHit(
  ids: readonly string[],
  rows: readonly ShownRow[],
): ReadonlyMap<string, ShownNeighbours> {
  const near = new Map(ids.map((id) => [id, new Array<NearRow>()]));
  for (const row of rows) {
    row.hit_ids.forEach((id, index) => near.get(id)?.push({ row, distance: row.distances[index] ?? 0 }));
  }
  return new Map([...near].map(([id, own]) => [id, toNeighbours(own)]));
}

function toNeighbours(near: readonly NearRow[]): ShownNeighbours {
  const outwards = near.toSorted((a, b) => Math.abs(a.distance) - Math.abs(b.distance));
  const before = untilUnread(outwards.filter(({ distance }) => distance < 0).map(({ row }) => row));
  const after = untilUnread(outwards.filter(({ distance }) => distance > 0).map(({ row }) => row));
  return { before: before.toReversed(), after, truncated: before.length + after.length < near.length };
}

/** Outwards from the hit, so that nothing is missing in between. */
function untilUnread(rows: readonly ShownRow[]): ShownNeighbour[] {
  const shown: ShownNeighbour[] = [];
  for (const { id, role, content, metadata, created_at } of rows) {
    if (content === null || metadata === null) break;
    shown.push({ messageId: id, role, content, metadata, createdAt: instantFromColumn(created_at) });
  }
  return shown;
}
