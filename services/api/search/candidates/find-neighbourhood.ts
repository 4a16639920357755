import type { Schema } from '@memory-layer/shared/db/schema';
import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Candidate } from '../ranking/candidate.ts';
import { createNeighbourhood, noNeighbourhood, type Neighbourhood } from '../ranking/neighbourhood.ts';
import { isEligible, type CandidateQuery } from './candidate-query.ts';
import { scoredColumns, toCandidate, type ScoredRow } from './scored-message.ts';

interface NeighbourhoodRow extends ScoredRow {
  readonly chain: readonly string[] | null;
  readonly likeness_1: number | null;
  readonly likeness_2: number | null;
}

export interface FoundNeighbourhood {
  /** Those given and those around them, each once. */
  readonly candidates: readonly Candidate[];
  readonly neighbourhood: Neighbourhood;
}

// As far as context.ts looks.
const reach = 2;

/**
 * The messages up to two before and after each of those given, with all that they are ranked by, and how much each is
 * like the ones before it. In one statement; a message around several of them is read once.
 */
export async function findNeighbourhood(
  db: Kysely<Schema>,
  query: CandidateQuery,
  ids: readonly string[],
): Promise<FoundNeighbourhood> {
  if (ids.length === 0) return { candidates: [], neighbourhood: noNeighbourhood };
  const { tenantId } = query;
  // Every table names the tenant by value: a column of another table would bring all partitions into the plan.
  const { rows } = await sql<NeighbourhoodRow>`
    with query as materialized (select ${query.vector === undefined ? null : encodeHalfvec(query.vector)}::halfvec as vector),
    around as materialized (
      select m.id, earlier.ids || m.id || later.ids as chain
      from message m cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from message n
          where n.tenant_id = ${tenantId} and n.conversation_id = m.conversation_id
            and (n.created_at, n.id) < (m.created_at, m.id)
          order by n.created_at desc, n.id desc limit ${sql.lit(reach)}
        ) n
      ) earlier cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from message n
          where n.tenant_id = ${tenantId} and n.conversation_id = m.conversation_id
            and (n.created_at, n.id) > (m.created_at, m.id)
          order by n.created_at, n.id limit ${sql.lit(reach)}
        ) n
      ) later
      where m.tenant_id = ${tenantId} and m.id = any(${[...ids]}::uuid[])
    ),
    pool as (select distinct unnest(chain) as id from around),
    scored as materialized (
      select ${scoredColumns(query)}, m.conversation_id, ${isEligible(query)} as eligible, passage.vector, passage.vector_score
      from pool join message m on m.tenant_id = ${tenantId} and m.id = pool.id
      ${bestPassage(query)}
    )
    select s.id, s.term_scores, s.word_count, s.speaker, s.importance, s.created_at, s.eligible,
           s.vector_score, around.chain,
           1 - (s.vector <=> lag(s.vector) over conversation) as likeness_1,
           1 - (s.vector <=> lag(s.vector, 2) over conversation) as likeness_2
    from scored s left join around using (id)
    window conversation as (partition by s.conversation_id order by s.created_at, s.id)
  `.execute(db);
  return { candidates: rows.map(toCandidate), neighbourhood: createNeighbourhood(rows.map(toNeighbourhoodRow)) };
}

/** Joins the passage of `message m` that is nearest to the query. */
function bestPassage({ tenantId, generation, vector }: CandidateQuery): RawBuilder<unknown> {
  if (vector === undefined) {
    return sql`cross join (select null::halfvec as vector, null::float8 as vector_score) passage`;
  }
  return sql`left join lateral (
    select e.vector, 1 - (e.vector <=> (select vector from query)) as vector_score from embedding e
    where e.tenant_id = ${tenantId} and e.message_id = m.id and e.generation = ${generation}
    order by 2 desc limit 1
  ) passage on true`;
}

function toNeighbourhoodRow(row: NeighbourhoodRow) {
  return {
    id: row.id,
    chain: row.chain ?? undefined,
    likeness: [row.likeness_1 ?? undefined, row.likeness_2 ?? undefined] as const,
  };
}
