import { sql, type RawBuilder } from 'kysely';
import { bm25, bm25Parts, type WeightedTerm } from './bm25.ts';
import { candidateSteps, type CandidateStep } from './candidate-query.ts';
import { mustMatch, type Requirements } from './must-match.ts';
import type { TermStatistics } from './term-statistics.ts';

export interface LexicalCandidateOptions {
  /** Conditions on `m`, a row of `message`. */
  readonly filter: RawBuilder<boolean>;
  readonly limit: number;
}

/** A query by words of one tenant, as fragments of SQL. */
export interface LexicalQuery {
  /** False when there is nothing to score by: only stop words, or nothing but exclusions. */
  readonly hasWords: boolean;
  /**
   * Rows (id, lexical_score), best first, of messages that pass the filter and {@link mustMatch}: min(limit, those that
   * have any word). Without words, the newest that pass, when there are requirements; else none.
   */
  candidates(options: LexicalCandidateOptions): RawBuilder<{ id: string; lexical_score: number }>;
  /** BM25 of any row of `message` under the alias; 0 when it has no word of the query. */
  score(alias: string): RawBuilder<number>;
  /** What each word of the query adds, joined by commas. */
  termScores(alias: string): RawBuilder<string>;
  /** What each word adds for a message that has it once and is of average length, in the same order. */
  readonly termWeights: readonly number[];
  /** Whether a row of `message` under the alias has the phrases and nothing excluded; undefined when anything may pass. */
  mustMatch(alias: string): RawBuilder<boolean> | undefined;
}

export interface LexicalQueryParts {
  readonly tenantId: string;
  readonly terms: readonly WeightedTerm[];
  readonly requirements: Requirements;
  readonly statistics: TermStatistics;
}

// The more candidates are compared by their score for each that is returned, the more of the best are among them.
const comparedPerReturned = 3;

export function createLexicalQuery(query: LexicalQueryParts): LexicalQuery {
  const { tenantId, terms, requirements, statistics } = query;
  const score = (alias: string) => bm25(sql.ref(`${alias}.search_vector`), terms, statistics.averageLength);
  const required = mustMatch(requirements, 'm');

  const find = (step: CandidateStep, filter: RawBuilder<boolean>) => sql`
    select m.id, m.search_vector from message m
    where m.tenant_id = ${tenantId} and ${inStep(tenantId, step)} and ${filter} and ${required ?? sql`true`}`;

  return {
    hasWords: terms.length > 0,
    score,
    termScores(alias) {
      const parts = bm25Parts(sql.ref(`${alias}.search_vector`), terms, statistics.averageLength);
      if (parts.length === 0) return sql<string>`''`;
      return sql<string>`concat_ws(',', ${sql.join(parts.map((part) => sql`(${part})::float4`))})`;
    },
    termWeights: terms.map(({ weight }) => weight),
    mustMatch: (alias) => mustMatch(requirements, alias),
    candidates({ filter, limit }) {
      if (terms.length === 0) return newest(tenantId, required, filter, limit);
      const steps = candidateSteps(terms, statistics, comparedPerReturned * limit);
      // A step runs only when the one before it found too few. The condition has no row in it, so it is asked once.
      const ctes = steps.map((step, index) => {
        const before = steps.slice(0, index).map((_, n) => sql`and (select count(*) from ${stepName(n)}) < ${limit}`);
        return sql`${stepName(index)} as materialized (${find(step, filter)} ${sql.join(before, sql` `)})`;
      });
      const results = steps.map((_, index) => {
        const isLast = index === steps.length - 1;
        return sql`select * from ${stepName(index)} ${isLast ? sql`` : sql`where not exists (select from ${stepName(index + 1)})`}`;
      });
      return sql`
        with ${sql.join(ctes)}
        select id, ${score('found')} as lexical_score from (${sql.join(results, sql` union all `)}) found
        order by lexical_score desc, id limit ${limit}`;
    },
  };
}

function stepName(index: number) {
  return sql.ref(`step_${index}`);
}

// As many as the index tells apart: longer messages count as so long.
const longest = 40;

/** What the index of words is asked: the words, together with the tenant, alone or with the length. */
function inStep(tenantId: string, { query, narrowed }: CandidateStep): RawBuilder<boolean> {
  const scope = sql`message_scope(m.tenant_id, m.search_vector)`;
  const matching = (tsquery: string) =>
    sql<boolean>`(${scope} @> array[${tenantId}] and m.search_vector @@ ${tsquery}::tsquery)`;
  if (narrowed === undefined || narrowed.maxLength >= longest) return matching(query);
  const lengths = Array.from({ length: narrowed.maxLength + 1 }, (_, length) => `${tenantId} ${length}`);
  const short = sql<boolean>`(${scope} && ${lengths}::text[] and m.search_vector @@ ${query}::tsquery)`;
  return narrowed.above === undefined ? short : sql<boolean>`(${short} or ${matching(narrowed.above)})`;
}

function newest(
  tenantId: string,
  required: RawBuilder<boolean> | undefined,
  filter: RawBuilder<boolean>,
  limit: number,
) {
  if (required === undefined) return sql<never>`select null::uuid as id, 0::float8 as lexical_score where false`;
  return sql<{ id: string; lexical_score: number }>`
    select m.id, 0::float8 as lexical_score from message m
    where m.tenant_id = ${tenantId} and ${filter} and ${required}
    order by m.created_at desc, m.id desc limit ${limit}`;
}
