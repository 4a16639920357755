import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import type { Role } from '@memory-layer/shared/db/schema';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { sql, type RawBuilder } from 'kysely';
import {
  filtersColumns,
  filtersMetadata,
  hasClauses,
  type EligiblePlan,
  type SearchPlan,
} from '../plan/search-plan.ts';
import { roundScore, type Candidate } from '../ranking/candidate.ts';
import {
  clausesCondition,
  containsAny,
  filterConditions,
  isEligible,
  metadataCondition,
  splitLongList,
} from './filter.sql.ts';
import { inMemory, termScores, wordCandidates, type EligibleTables } from './lexical.sql.ts';
import { isCommon, nearestCandidates, type NearestQuery } from './nearest.sql.ts';
import { isPassage, tenantSql, type TenantSql } from './tenant.sql.ts';

/** What is read of a message to rank it. */
export interface ScoredRow {
  readonly id: string;
  readonly vector_score: number | null;
  /** Joined by commas: a tenth of what an array costs to read. */
  readonly term_scores: string;
  readonly word_count: number;
  readonly conversation_id: string;
  readonly role: Role;
  readonly speaker: string | null;
  readonly importance: number;
  /** Milliseconds since 1970. */
  readonly created_at: number;
  readonly eligible: boolean;
}

/** The best by vector and the best by words, each with all that it is ranked by. */
export function candidatesStatement(plan: SearchPlan): RawBuilder<ScoredRow> {
  const tenant = tenantSql(plan.tenant);
  const nearest = nearestQuery(plan, tenant);
  const eligible = plan.eligible && eligibleTables(plan, plan.eligible, { tenant, nearest });
  return sql<ScoredRow>`
    with query as materialized (select ${queryParameter(plan)}::halfvec as vector),
    ${eligible === undefined ? sql`` : sql`${eligible.tables},`}
    by_vector as materialized (${byVector(plan, nearest, eligible)}),
    by_words as materialized (${byWords(plan, tenant, eligible)}),
    pool as (
      select id, min(distance) as distance, max(term_scores) as term_scores, max(word_count) as word_count
      from (
        select id, distance, null::text as term_scores, null::int as word_count from by_vector
        union all select id, null, term_scores, word_count from by_words
      ) found group by id
    )
    select m.id, coalesce(pool.term_scores, unscored.term_scores) as term_scores,
           coalesce(pool.word_count, unscored.word_count) as word_count, ${messageColumns}, true as eligible,
           1 - coalesce(pool.distance, ${nearestPassage(plan, tenant)}) as vector_score
    from pool cross join lateral (
      select id, conversation_id, role, metadata, importance, created_at, search_vector from ${tenant.message} m
      where tenant_id = ${tenant.key} and id = pool.id and ${isUnexpired('m')} offset 0
    ) m
    left join lateral (
      select ${wordColumns(plan)} from (select ${inMemory('m')} as search_vector offset 0) indexed
      where pool.term_scores is null
    ) unscored on true
  `;
}

const messageColumns = sql`m.conversation_id, m.role, ${speakerOf('m')} as speaker, m.importance,
  (extract(epoch from m.created_at) * 1000)::float8 as created_at`;

function wordColumns({ words }: SearchPlan): RawBuilder<unknown> {
  return sql`${words === undefined ? sql`''` : termScores(words, 'indexed')} as term_scores,
    length(indexed.search_vector) as word_count`;
}

/** Joins to a row of `message m` its words, for {@link scoredColumns}. */
export const withIndexedWords = sql`cross join lateral (select ${inMemory('m')} as search_vector offset 0) indexed`;

/** The columns of a {@link ScoredRow} for a row of `message m`; the vector's score is not among them. */
export function scoredColumns(plan: SearchPlan): RawBuilder<unknown> {
  return sql`m.id, ${wordColumns(plan)}, ${messageColumns}`;
}

export function toCandidate(row: ScoredRow): Candidate {
  return {
    id: row.id,
    vectorScore: row.vector_score === null ? undefined : roundScore(row.vector_score),
    termScores: row.term_scores === '' ? [] : row.term_scores.split(',').map((score) => roundScore(Number(score))),
    wordCount: row.word_count,
    conversationId: row.conversation_id,
    role: row.role,
    speaker: row.speaker ?? undefined,
    importance: row.importance,
    createdAt: new Date(row.created_at),
    eligible: row.eligible,
  };
}

/** The centred query vector as a parameter; null without one. */
export function queryParameter({ vector }: SearchPlan): Buffer | null {
  return vector === undefined ? null : encodeHalfvec(vector.query);
}

function nearestQuery(plan: SearchPlan, tenant: TenantSql): NearestQuery | undefined {
  const { generation, vector, limit, filter, clauses } = plan;
  if (vector === undefined) return undefined;
  const ofMessage = [
    filtersMetadata(filter) ? metadataCondition(filter) : undefined,
    hasClauses(clauses) ? clausesCondition(clauses) : undefined,
  ].filter((condition) => condition !== undefined);
  return {
    tenant,
    generation,
    dimension: vector.query.length,
    vector: sql`(select vector from query)`,
    limit,
    segments: vector.segments,
    graphs: vector.graphs,
    filter: filtersColumns(filter) ? (alias) => filterConditions(filter, alias) : undefined,
    messageCondition: ofMessage.length === 0 ? undefined : sql<boolean>`(${sql.join(ofMessage, sql` and `)})`,
  };
}

function byVector(
  { generation, limit, filter }: SearchPlan,
  nearest: NearestQuery | undefined,
  eligible: EligibleTables | undefined,
): RawBuilder<unknown> {
  if (nearest === undefined) return sql`select null::uuid as id, null::float8 as distance where false`;
  if (eligible === undefined) return nearestCandidates(nearest);
  const { tenant } = nearest;
  // By key, one message after the other: the planner takes the few for more than they are.
  return sql`
    (select id, min(distance) as distance from (
       select few.id, e.distance from (select distinct id from ${eligible.table}) few cross join lateral (
         select e.vector <=> (select vector from query) as distance from ${tenant.embedding} e
         where e.tenant_id = ${tenant.id} and e.message_id = few.id and e.generation + 0 = ${sql.lit(generation)}
           and ${filter.similarity === undefined ? sql`true` : filterConditions(filter, 'e')}
         offset 0
       ) e where ${eligible.isSelective}
       offset 0
     ) found group by id order by 2, 1 limit ${sql.lit(limit)})
    union all
    (${nearestCandidates({ ...nearest, isSelective: eligible.isSelective })})`;
}

function byWords(plan: SearchPlan, tenant: TenantSql, eligible: EligibleTables | undefined): RawBuilder<unknown> {
  const { words, clauses, limit } = plan;
  if (words === undefined) {
    return sql`select null::uuid as id, null::text as term_scores, null::int as word_count where false`;
  }
  return wordCandidates({ words, clauses, tenant, filter: isEligible(plan), limit, eligible });
}

/** Distance of the best passage of `message m`; null while it has none, or without a query vector. */
function nearestPassage({ generation, vector }: SearchPlan, tenant: TenantSql): RawBuilder<unknown> {
  if (vector === undefined) return sql`null::float8`;
  return sql`(select min(e.vector <=> (select vector from query)) from ${tenant.embedding} e
    where ${isPassage(tenant, generation)})`;
}

function eligibleTables(
  plan: SearchPlan,
  { most, mostByWords, isSampled, newest, asksForEachValue }: EligiblePlan,
  { tenant, nearest }: { readonly tenant: TenantSql; readonly nearest: NearestQuery | undefined },
): EligibleTables {
  const graphs = isSampled ? nearest?.graphs : undefined;
  const common = nearest === undefined || graphs === undefined ? undefined : isCommon(nearest, graphs);
  return {
    tables: sql`
      filter_is_common as materialized (${common ?? sql`select false as is_true`}),
      eligible as materialized (
        ${plan.filter.similarity === undefined ? fromMessages(plan, tenant, { newest, asksForEachValue }) : fromVectors(plan, tenant)}
          and not (select is_true from filter_is_common)
        limit ${sql.lit(most + 1)}
      ),
      filter_is_selective as materialized (
        select found <= ${sql.lit(most)} as is_true, found <= ${sql.lit(mostByWords)} as by_words from (
          select case when (select is_true from filter_is_common) then ${sql.lit(most + 1)} else (select count(*) from eligible) end as found
        ) counted
      )`,
    table: sql`eligible`,
    isSelective: sql<boolean>`(select is_true from filter_is_selective)`,
    isSelectiveByWords: sql<boolean>`(select by_words from filter_is_selective)`,
  };
}

function fromMessages(
  { filter, clauses }: SearchPlan,
  tenant: TenantSql,
  { newest, asksForEachValue }: Pick<EligiblePlan, 'newest' | 'asksForEachValue'>,
): RawBuilder<unknown> {
  const list = asksForEachValue && filter.where ? splitLongList(filter.where) : undefined;
  const ofMetadata = metadataCondition(list === undefined ? filter : { ...filter, where: list.rest });
  const conditions = sql`m.tenant_id = ${tenant.id} and ${isUnexpired('m')} and ${filterConditions(filter, 'm')} and ${ofMetadata}
    and ${clausesCondition(clauses)}`;
  if (list === undefined) {
    const compared =
      newest === undefined
        ? tenant.message
        : sql`(select n.* from ${tenant.message} n where n.tenant_id = ${tenant.id}
      order by n.id desc limit ${sql.lit(newest)})`;
    return sql`select m.id from ${compared} m where ${conditions}`;
  }
  return sql`
    select m.id from (${containsAny(list.documents, tenant)}) listed cross join lateral (
      select m.id from ${tenant.message} m where m.id = listed.id and ${conditions} offset 0
    ) m where true`;
}

/** A threshold of similarity is compared with every vector anyway. */
function fromVectors({ generation, filter, clauses }: SearchPlan, tenant: TenantSql): RawBuilder<unknown> {
  const ofMessage = sql`${metadataCondition(filter)} and ${clausesCondition(clauses)}`;
  const isJoined = filtersMetadata(filter) || hasClauses(clauses);
  const join = isJoined
    ? sql`join ${tenant.message} m on m.tenant_id = ${tenant.id} and m.id = e.message_id and ${ofMessage}`
    : sql``;
  return sql`select e.message_id as id from ${tenant.embedding} e ${join}
    where e.tenant_id = ${tenant.id} and e.generation = ${sql.lit(generation)} and ${isUnexpired('e')}
      and ${filterConditions(filter, 'e')}`;
}
