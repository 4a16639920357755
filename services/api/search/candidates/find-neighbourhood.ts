import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Candidate } from '../ranking/candidate.ts';
import { createNeighbourhood, noNeighbourhood, type Neighbourhood } from '../ranking/neighbourhood.ts';
import { isEligible, isPassage, type CandidateQuery } from './candidate-query.ts';
import { scoredColumns, toCandidate, type ScoredRow } from './scored-message.ts';

interface NeighbourhoodRow extends ScoredRow {
  readonly previous_id: string | null;
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
  const { tenant } = query;
  const { rows } = await sql<NeighbourhoodRow>`
    with query as materialized (select ${query.vector === undefined ? null : encodeHalfvec(query.vector)}::halfvec as vector),
    around as materialized (
      select m.id, earlier.ids || m.id || later.ids as chain
      from ${tenant.message} m cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from ${tenant.message} n
          where n.tenant_id = ${tenant.id} and n.conversation_id = m.conversation_id
            and (n.created_at, n.id) < (m.created_at, m.id)
          order by n.created_at desc, n.id desc limit ${sql.lit(reach)}
        ) n
      ) earlier cross join lateral (
        select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
          select n.id, n.created_at from ${tenant.message} n
          where n.tenant_id = ${tenant.id} and n.conversation_id = m.conversation_id
            and (n.created_at, n.id) > (m.created_at, m.id)
          order by n.created_at, n.id limit ${sql.lit(reach)}
        ) n
      ) later
      where m.tenant_id = ${tenant.id} and m.id = any(${[...ids]}::uuid[])
    ),
    pool as (
      select distinct on (link.id) link.id, link.previous_id
      from around cross join unnest(chain, null::uuid || chain) as link (id, previous_id)
      where link.id is not null order by link.id, link.previous_id
    ),
    scored as materialized (
      select distinct on (m.id) ${scoredColumns(query)}, m.conversation_id, pool.previous_id,
             ${isEligible(query)} as eligible, passage.vector, passage.vector_score
      from pool join ${tenant.message} m on m.tenant_id = ${tenant.id} and m.id = pool.id
      ${passages(query)}
      order by m.id, passage.vector_score desc
    )
    select s.id, s.term_scores, s.word_count, s.speaker, s.importance, s.created_at, s.eligible,
           s.vector_score, s.previous_id,
           1 - (s.vector <=> lag(s.vector) over conversation) as likeness_1,
           1 - (s.vector <=> lag(s.vector, 2) over conversation) as likeness_2
    from scored s
    window conversation as (partition by s.conversation_id order by s.created_at, s.id)
  `.execute(db, cancelledBy(query.signal));
  return { candidates: rows.map(toCandidate), neighbourhood: createNeighbourhood(rows.map(toNeighbourhoodRow)) };
}

/** Joins the passages of `message m`, and how near they are to the query. */
function passages({ tenant, generation, vector }: CandidateQuery): RawBuilder<unknown> {
  if (vector === undefined) {
    return sql`cross join (select null::halfvec as vector, null::float8 as vector_score) passage`;
  }
  return sql`left join lateral (
    select e.vector, 1 - (e.vector <=> (select vector from query)) as vector_score from ${tenant.embedding} e
    where ${isPassage(tenant.id, generation)}
  ) passage on true`;
}

function toNeighbourhoodRow(row: NeighbourhoodRow) {
  return {
    id: row.id,
    previousId: row.previous_id ?? undefined,
    likeness: [row.likeness_1 ?? undefined, row.likeness_2 ?? undefined] as const,
  };
}
