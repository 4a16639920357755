import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { compiled, runAll, type Session } from '../harness/session.ts';
import { mean, median, quantile, rounded } from '../harness/statistics.ts';
import type { Line } from '../harness/table.ts';
import {
  lexicalScore,
  parseOperators,
  planTenant,
  planWords,
  tenantSql,
  wordCandidates,
  type LexicalIndex,
  type LexicalQuery,
} from '../harness/search-internals.ts';

/** How many of the best are wanted. */
export const limit = 200;

export const filters: Readonly<Record<string, RawBuilder<boolean>>> = {
  none: sql<boolean>`true`,
  '50 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"half":0}')`,
  '5 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"twentieth":0}')`,
  '0.5 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"rare":0}')`,
};

export interface Searched {
  readonly session: Session;
  readonly index: LexicalIndex;
  readonly db: Kysely<Schema>;
  readonly tenant: { readonly tenantId: string; readonly messages: number };
}

interface Found {
  readonly id: string;
  readonly lexical_score: number;
}

/** A line of the table: the search of the api, one after the other on one connection, beside ts_rank and all messages. */
export async function measureFilter(
  { session, index, db, tenant }: Searched,
  texts: readonly string[],
  name: string,
): Promise<Line> {
  const { tenantId, messages } = tenant;
  const filter = filters[name] ?? sql<boolean>`true`;
  const prepared = await Promise.all(texts.map((text) => index.prepare(tenantId, parseOperators(text))));
  const statements = prepared.map((query) => compiled(db, candidatesOf(query, filter)));
  const { found } = await runAll<Found>(session, statements);
  const { times, cpuMs } = await runAll(session, [...statements, ...statements, ...statements]);
  const plain = await runAll(
    session,
    texts.map((text) => compiled(db, rankedByTsRank(tenantId, text, filter))),
  );
  const best: Found[][] = [];
  for (const query of prepared) best.push((await exhaustive(query, filter).execute(db)).rows);
  const overlapOf = (count: number): number =>
    rounded(mean(best.map((all, n) => overlap(found[n] ?? [], all.slice(0, count), count))));
  return {
    messages,
    filter: name,
    'CPU ms': rounded(cpuMs),
    'of ts_rank': rounded(plain.cpuMs),
    'ms p50': rounded(median(times)),
    'ms p95': rounded(quantile(times, 0.95)),
    'top 10': overlapOf(10),
    'top 200': overlapOf(limit),
    short: best.filter((all, n) => (found[n]?.length ?? 0) < all.length).length,
  };
}

function candidatesOf(query: LexicalQuery, filter: RawBuilder<boolean>): RawBuilder<unknown> {
  const tenant = tenantSql(planTenant(query.tenantId, { messages: Infinity }));
  return wordCandidates({ words: planWords(query, limit), clauses: query.clauses, tenant, filter, limit });
}

/** The baseline: every message with any of the words, ranked as PostgreSQL does. */
function rankedByTsRank(tenantId: string, text: string, filter: RawBuilder<boolean>): RawBuilder<unknown> {
  return sql`
    with words as materialized (
      select string_agg(quote_literal(word), ' | ')::tsquery as query
      from unnest(tsvector_to_array(to_tsvector('english', ${text}))) as word
    )
    select m.id from message m, words
    where m.tenant_id = ${tenantId} and m.search_vector @@ words.query and ${filter}
    order by ts_rank(m.search_vector, words.query) desc, m.id limit ${limit}`;
}

/** The best by BM25 of all messages of the tenant: every one is scored. */
function exhaustive(query: LexicalQuery, filter: RawBuilder<boolean>): RawBuilder<Found> {
  const score = lexicalScore(planWords(query, limit), 'm');
  return sql<Found>`
    select id, lexical_score from (
      select m.id, ${score} as lexical_score from message m where m.tenant_id = ${query.tenantId} and ${filter}
      offset 0
    ) scored
    where lexical_score > 0 order by lexical_score desc, id limit ${limit}`;
}

/** Share of the best that are among the first `count` found, where one of the same score is as good as another. */
function overlap(found: readonly Found[], best: readonly Found[], count: number): number {
  const least = best.at(-1)?.lexical_score;
  if (least === undefined) return 1;
  return found.slice(0, count).filter((one) => one.lexical_score > least - 1e-9).length / best.length;
}
