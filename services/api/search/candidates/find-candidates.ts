import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { filterConditions, filtersMetadata, metadataCondition } from '../filter/filter-conditions.ts';
import type { Candidate } from '../ranking/candidate.ts';
import { nearestCandidates, type NearestQuery } from '../vector/nearest-candidates.ts';
import { eligibleMessages, fewMessages, type EligibleMessages, type FewMessages } from './eligible-messages.ts';
import { isEligible, isPassage, type CandidateQuery } from './candidate-query.ts';
import { scoredColumns, toCandidate, type ScoredRow } from './scored-message.ts';

/** The best by vector and the best by words, each with all that it is ranked by. In one statement. */
export async function findCandidates(
  db: Kysely<Schema>,
  query: CandidateQuery,
  few: FewMessages = fewMessages,
): Promise<Candidate[]> {
  const nearest = nearestQuery(query);
  const eligible = eligibleMessages(query, nearest, few);
  const { rows } = await sql<ScoredRow>`
    with query as materialized (select ${parameterOf(query)}::halfvec as vector),
    ${eligible === undefined ? sql`` : sql`${eligible.tables},`}
    by_vector as materialized (${byVector(query, nearest, eligible)}),
    by_words as materialized (${byWords(query, eligible)}),
    pool as (
      select id, min(distance) as distance
      from (select id, distance from by_vector union all select id, null from by_words) found group by id
    )
    select ${scoredColumns(query)}, true as eligible,
           1 - coalesce(pool.distance, ${nearestPassage(query)}) as vector_score
    from pool join ${query.tenant.message} m on m.tenant_id = ${query.tenant.id} and m.id = pool.id
  `.execute(db, cancelledBy(query.signal));
  return rows.map(toCandidate);
}

function parameterOf({ vector }: CandidateQuery): Buffer | null {
  return vector === undefined ? null : encodeHalfvec(vector);
}

function nearestQuery(query: CandidateQuery): NearestQuery | undefined {
  const { tenant, generation, vector, limit, segments, filter, lexical } = query;
  if (vector === undefined) return undefined;
  const required = lexical.mustMatch('m');
  const ofMessage = [filtersMetadata(filter) ? metadataCondition(filter) : undefined, required].filter(
    (condition) => condition !== undefined,
  );
  return {
    tenant,
    generation,
    dimension: vector.length,
    vector: sql`(select vector from query)`,
    limit,
    segments,
    filter: isFiltered(query) ? (alias) => filterConditions(filter, alias) : undefined,
    messageCondition: ofMessage.length === 0 ? undefined : sql<boolean>`(${sql.join(ofMessage, sql` and `)})`,
  };
}

function byVector(
  query: CandidateQuery,
  nearest: NearestQuery | undefined,
  eligible: EligibleMessages | undefined,
): RawBuilder<unknown> {
  if (nearest === undefined) return sql`select null::uuid as id, null::float8 as distance where false`;
  if (eligible === undefined) return nearestCandidates(nearest);
  const { tenant, limit, filter } = query;
  // By key, one message after the other: the planner takes the few for more than they are.
  return sql`
    (select id, min(distance) as distance from (
       select few.id, e.distance from (select distinct id from ${eligible.table}) few cross join lateral (
         select e.vector <=> (select vector from query) as distance from ${tenant.embedding} e
         where e.tenant_id = ${tenant.id} and e.message_id = few.id and e.generation + 0 = ${sql.lit(query.generation)}
           and ${filter.similarity === undefined ? sql`true` : filterConditions(filter, 'e')}
         offset 0
       ) e where ${eligible.isSelective}
       offset 0
     ) found group by id order by 2, 1 limit ${sql.lit(limit)})
    union all
    (${nearestCandidates({ ...nearest, isSelective: eligible.isSelective })})`;
}

/** Whether columns that `embedding` has, too, are filtered on. */
function isFiltered({ filter }: CandidateQuery): boolean {
  const { metadata: _, where: __, ...columns } = filter;
  return Object.values(columns).some((value) => value !== undefined);
}

function byWords(query: CandidateQuery, eligible: EligibleMessages | undefined): RawBuilder<unknown> {
  const { byWords: wanted, lexical, limit } = query;
  if (!wanted) return sql`select null::uuid as id where false`;
  return lexical.candidates({ tenant: query.tenant, filter: isEligible(query), limit, eligible });
}

/** Distance of the best passage of `message m`; null while it has none, or without a query vector. */
function nearestPassage({ tenant, generation, vector }: CandidateQuery): RawBuilder<unknown> {
  if (vector === undefined) return sql`null::float8`;
  return sql`(select min(e.vector <=> (select vector from query)) from ${tenant.embedding} e
    where ${isPassage(tenant.id, generation)})`;
}
