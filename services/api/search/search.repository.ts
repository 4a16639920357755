import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Adjacency, Candidate } from './ranking.ts';
import { filterConditions, metadataCondition } from './search-filter.ts';
import type { SearchFilter } from './search.ts';

export interface CandidateQuery {
  readonly tenantId: string;
  readonly generation: number;
  /** Centred query vector; undefined searches by words alone. */
  readonly vector: Float32Array | undefined;
  /** Query text; undefined searches by vectors alone. */
  readonly text: string | undefined;
  readonly limit: number;
  readonly filter: SearchFilter;
}

export interface Neighbourhood {
  readonly neighbours: readonly Candidate[];
  readonly adjacency: readonly Adjacency[];
}

/** What is shown of a hit, and its plain similarity. */
export interface HitRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
  readonly similarity: number | null;
}

interface CandidateRow {
  readonly id: string;
  readonly vector_score: number | null;
  readonly lexical_score: number;
  readonly importance: number;
  readonly created_at: Date;
  readonly eligible: boolean;
}

export type SearchRepository = ReturnType<typeof createSearchRepository>;

// Every table names the tenant by value: a column of another table would bring all partitions into the plan.
export function createSearchRepository(db: Kysely<Schema>) {
  return {
    /** The best by vector and the best by words, each with both scores. */
    async findCandidates(query: CandidateQuery): Promise<Candidate[]> {
      const result = await sql<CandidateRow>`
        with words as materialized (${anyWordOf(query.text)}),
        by_vector as (${nearest(query)}),
        by_words as (
          select m.id from message m, words
          where m.tenant_id = ${query.tenantId} and m.search_vector @@ words.query
            and ${filterConditions(query.filter, 'm')} and ${metadataCondition(query.filter)}
          order by ts_rank(m.search_vector, words.query) desc, m.id
          limit ${query.limit}
        ),
        pool as (select id from by_vector union select id from by_words)
        ${scored(query)}
      `.execute(db);
      return result.rows.map(toCandidate);
    },

    /** The messages before and after the given ones, scored, and who follows whom. */
    async findNeighbours(query: CandidateQuery, ids: readonly string[]): Promise<Neighbourhood> {
      const edges = await sql<{ earlier_id: string; later_id: string }>`
        select case when near.is_later then m.id else near.id end as earlier_id,
               case when near.is_later then near.id else m.id end as later_id
        from message m cross join lateral (
          (select n.id, false as is_later from message n
           where n.tenant_id = ${query.tenantId} and n.conversation_id = m.conversation_id
             and (n.created_at, n.id) < (m.created_at, m.id)
           order by n.created_at desc, n.id desc limit 1)
          union all
          (select n.id, true as is_later from message n
           where n.tenant_id = ${query.tenantId} and n.conversation_id = m.conversation_id
             and (n.created_at, n.id) > (m.created_at, m.id)
           order by n.created_at, n.id limit 1)
        ) near
        where m.tenant_id = ${query.tenantId} and m.id = any(${[...ids]}::uuid[])
      `.execute(db);
      const adjacency = uniqueEdges(edges.rows);
      const known = new Set(ids);
      const unknown = new Set(
        adjacency.flatMap((edge) => [edge.earlierId, edge.laterId]).filter((id) => !known.has(id)),
      );
      if (unknown.size === 0) return { neighbours: [], adjacency };
      const result = await sql<CandidateRow>`
        with words as materialized (${anyWordOf(query.text)}),
        pool as (select unnest(${[...unknown]}::uuid[]) as id)
        ${scored(query)}
      `.execute(db);
      return { neighbours: result.rows.map(toCandidate), adjacency };
    },

    /** The messages to show, in no particular order. One that was deleted meanwhile is missing. */
    async getHits(
      tenantId: string,
      generation: number,
      ids: readonly string[],
      vector: Float32Array | undefined,
    ): Promise<HitRow[]> {
      const similarity =
        vector === undefined
          ? sql<null>`null::float8`
          : sql<number>`(select 1 - min(e.vector <=> ${toVectorLiteral(vector)}::halfvec) from embedding e
              where e.tenant_id = ${tenantId} and e.message_id = m.id and e.generation = ${generation})`;
      const result = await sql<HitRow>`
        select m.id, m.conversation_id, m.role, m.content, m.metadata, m.created_at, ${similarity} as similarity
        from message m where m.tenant_id = ${tenantId} and m.id = any(${[...ids]}::uuid[])
      `.execute(db);
      return result.rows;
    },
  };
}

/** The words of the text, stemmed, any of which may match. Null when it has none but stop words. */
function anyWordOf(text: string | undefined): RawBuilder<unknown> {
  if (text === undefined) return sql`select null::tsquery as query`;
  return sql`
    select string_agg('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery as query
    from unnest(tsvector_to_array(to_tsvector('english', ${text}))) as word`;
}

function nearest(query: CandidateQuery): RawBuilder<unknown> {
  if (query.vector === undefined) return sql`select null::uuid as id where false`;
  const join =
    query.filter.metadata === undefined
      ? sql``
      : sql`join message m on m.tenant_id = e.tenant_id and m.id = e.message_id and ${metadataCondition(query.filter)}`;
  return sql`
    select e.message_id as id from embedding e ${join}
    where e.tenant_id = ${query.tenantId} and e.generation = ${query.generation} and ${filterConditions(query.filter, 'e')}
    group by e.message_id
    order by min(e.vector <=> ${toVectorLiteral(query.vector)}::halfvec), e.message_id
    limit ${query.limit}`;
}

/** Both scores for everything in `pool`, whichever side found it. */
function scored(query: CandidateQuery): RawBuilder<unknown> {
  const vectorScore =
    query.vector === undefined
      ? sql`null::float8`
      : sql`(select 1 - min(e.vector <=> ${toVectorLiteral(query.vector)}::halfvec) from embedding e
          where e.tenant_id = ${query.tenantId} and e.message_id = m.id and e.generation = ${query.generation})`;
  return sql`
    select m.id, ${vectorScore} as vector_score,
           coalesce(ts_rank(m.search_vector, words.query), 0)::float8 as lexical_score,
           m.importance, m.created_at,
           (${filterConditions(query.filter, 'm')} and ${metadataCondition(query.filter)}) as eligible
    from pool cross join words join message m on m.tenant_id = ${query.tenantId} and m.id = pool.id`;
}

function toCandidate(row: CandidateRow): Candidate {
  return {
    id: row.id,
    vectorScore: row.vector_score ?? undefined,
    lexicalScore: row.lexical_score,
    importance: row.importance,
    createdAt: row.created_at,
    eligible: row.eligible,
  };
}

function uniqueEdges(rows: readonly { earlier_id: string; later_id: string }[]): Adjacency[] {
  const edges = new Map(rows.map((row) => [`${row.earlier_id} ${row.later_id}`, row]));
  return [...edges.values()].map((row) => ({ earlierId: row.earlier_id, laterId: row.later_id }));
}
