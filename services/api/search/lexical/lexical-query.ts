import { sql, type RawBuilder } from 'kysely';
import type { EligibleMessages } from '../candidates/eligible-messages.ts';
import type { TenantInSql } from '../tenant-in-sql.ts';
import { bm25Parts, type TermOrNone, type WeightedTerm } from './bm25.ts';
import { candidateSteps, expectedMatches, maxSteps, type CandidateStep } from './candidate-query.ts';
import { mustMatch, type Requirements } from './must-match.ts';
import { phraseParts, type WeightedPhrase } from './phrases.ts';
import type { TermStatistics } from './term-statistics.ts';

export interface LexicalCandidateOptions {
  readonly tenant: TenantInSql;
  /** Conditions on `m`, a row of `message`. */
  readonly filter: RawBuilder<boolean>;
  readonly limit: number;
  /** Those that pass the filter, where they are looked up first. */
  readonly eligible?: EligibleMessages | undefined;
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
  /** BM25 of any row of `message` under the alias, phrases included; 0 when it has no word of the query. */
  score(alias: string): RawBuilder<number>;
  /** What each word and each phrase of the query adds, in the order of `termWeights`, joined by commas. */
  termScores(alias: string): RawBuilder<string>;
  /** Messages that have any of the words, about. */
  readonly expectedMatches: number;
  /** Messages of the tenant, about. */
  readonly tenantMessages: number;
  /** What each word adds for a message that has it once and is of average length, and each phrase, in the same order. */
  readonly termWeights: readonly number[];
  /** Whether the query has phrases to score by: then its statements are seldom asked again. */
  readonly hasPhrases: boolean;
  /** Words of what is required and excluded, together. */
  readonly clauseWords: number;
  /** Whether a row of `message` under the alias has what is required and nothing excluded; undefined when anything may pass. */
  mustMatch(alias: string): RawBuilder<boolean> | undefined;
}

export interface LexicalQueryParts {
  readonly tenantId: string;
  readonly terms: readonly WeightedTerm[];
  readonly phrases: readonly WeightedPhrase[];
  readonly requirements: Requirements;
  readonly statistics: TermStatistics;
}

// The more candidates are compared by their score for each that is returned, the more of the best are among them.
const comparedPerReturned = 3;
// Numbers of words that a statement is written for.
const lengths = [4, 8, 16, 32];

export function createLexicalQuery(query: LexicalQueryParts): LexicalQuery {
  const { tenantId, terms, phrases, requirements, statistics } = query;
  const asked = fillUp(terms);
  const parts = (alias: string): RawBuilder<number | null>[] => {
    const vector = sql.ref(`${alias}.search_vector`);
    return [...bm25Parts(vector, asked, statistics.averageLength), ...phraseParts(vector, phrases)];
  };
  const score = (alias: string) =>
    terms.length === 0
      ? sql<number>`0::float8`
      : sql<number>`(${sql.join(
          parts(alias).map((part) => sql`coalesce(${part}, 0)`),
          sql` + `,
        )})`;
  const required = mustMatch(requirements, 'm');

  const find = (step: CandidateStep | undefined, { tenant, filter, eligible }: LexicalCandidateOptions) => sql`
    select m.id, m.search_vector from ${tenant.message} m
    where m.tenant_id = ${tenant.id} and ${inStep(tenantId, step)} and ${filter} and ${required ?? sql`true`}
      ${eligible === undefined ? sql`` : sql`and not ${eligible.isSelectiveByWords}`}`;

  return {
    hasWords: terms.length > 0,
    score,
    termScores(alias) {
      if (terms.length === 0) return sql<string>`''`;
      return sql<string>`concat_ws(',', ${sql.join(parts(alias).map((part) => sql`(${part})::float4`))})`;
    },
    get expectedMatches() {
      return expectedMatches(terms, statistics);
    },
    tenantMessages: statistics.messages,
    termWeights: [...terms, ...phrases].map(({ weight }) => weight),
    hasPhrases: phrases.length > 0,
    clauseWords: requirements.words,
    mustMatch: (alias) => mustMatch(requirements, alias),
    candidates(options) {
      const { limit } = options;
      if (terms.length === 0) return newest(options, required);
      const needed = candidateSteps(terms, statistics, comparedPerReturned * limit).map((step) =>
        orPhrases(step, phrases),
      );
      // Always as many, the first ones finding nothing when they are not needed.
      const steps = [...Array.from({ length: maxSteps - needed.length }, () => undefined), ...needed];
      // A step runs only when the one before it found too few. The condition has no row in it, so it is asked once.
      const ctes = steps.map((step, index) => {
        const before = steps
          .slice(0, index)
          .map((_, n) => sql`and (select count(*) from ${stepName(n)}) < ${sql.lit(limit)}`);
        return sql`${stepName(index)} as materialized (${find(step, options)} ${sql.join(before, sql` `)})`;
      });
      const results = steps.map((_, index) => {
        const isLast = index === steps.length - 1;
        return sql`select * from ${stepName(index)} ${isLast ? sql`` : sql`where not exists (select from ${stepName(index + 1)})`}`;
      });
      const { eligible } = options;
      if (eligible !== undefined) results.push(amongEligible(steps.at(-1), eligible, options));
      return sql`
        with ${sql.join(ctes)}
        select id, ${score('found')} as lexical_score from (${sql.join(results, sql` union all `)}) found
        order by lexical_score desc, id limit ${sql.lit(limit)}`;
    },
  };
}

/** The terms, and as many places more as make the number one of a few. */
function fillUp(terms: readonly WeightedTerm[]): TermOrNone[] {
  const length = lengths.find((places) => places >= terms.length) ?? terms.length;
  return Array.from({ length: terms.length === 0 ? 0 : length }, (_, index) => terms[index]);
}

/** The step, and every message that has a phrase: its words alone may weigh too little for the step. */
function orPhrases(step: CandidateStep, phrases: readonly WeightedPhrase[]): CandidateStep {
  if (phrases.length === 0) return step;
  const said = phrases.map(({ query }) => `(${query})`).join(' | ');
  const above = step.narrowed?.above === undefined ? said : `${step.narrowed.above} | ${said}`;
  return { query: `${step.query} | ${said}`, narrowed: step.narrowed && { ...step.narrowed, above } };
}

function stepName(index: number) {
  return sql.ref(`step_${index}`);
}

// As many as the index tells apart: longer messages count as so long.
const longest = 40;

/**
 * What the index of words is asked: the words, together with the tenant, alone or with the length. The text is the same
 * for every step; what is null finds nothing, and takes no time.
 */
function inStep(tenantId: string, step: CandidateStep | undefined): RawBuilder<boolean> {
  const { query = null, narrowed } = step ?? {};
  const isNarrow = narrowed !== undefined && narrowed.maxLength < longest;
  const scopes = isNarrow
    ? Array.from({ length: narrowed.maxLength + 1 }, (_, length) => `${tenantId} ${length}`)
    : [tenantId];
  const above = isNarrow ? (narrowed.above ?? null) : null;
  const scope = sql`message_scope(m.tenant_id, m.search_vector)`;
  // That the query is there is said apart, to be asked once before anything is read.
  return sql<boolean>`${query}::tsquery is not null
    and ((${scope} && ${scopes}::text[] and m.search_vector @@ ${query}::tsquery)
      or (${scope} @> ${[tenantId]}::text[] and m.search_vector @@ ${above}::tsquery))`;
}

/** All eligible messages that have any of the words, read by their keys, when the filter is selective. */
function amongEligible(
  any: CandidateStep | undefined,
  eligible: EligibleMessages,
  { tenant }: LexicalCandidateOptions,
) {
  return sql`
    select m.id, m.search_vector from (select distinct id from ${eligible.table}) few cross join lateral (
      select m.id, m.search_vector from ${tenant.message} m
      where m.tenant_id = ${tenant.id} and m.id = few.id and m.search_vector @@ ${any?.query ?? null}::tsquery offset 0
    ) m where ${eligible.isSelectiveByWords}`;
}

function newest(
  { tenant, filter, limit, eligible }: LexicalCandidateOptions,
  required: RawBuilder<boolean> | undefined,
) {
  if (required === undefined) return sql<never>`select null::uuid as id, 0::float8 as lexical_score where false`;
  if (eligible !== undefined) {
    return sql<{ id: string; lexical_score: number }>`
      select id, 0::float8 as lexical_score from (
        (select m.id, m.created_at from (select distinct id from ${eligible.table}) few
           join ${tenant.message} m on m.tenant_id = ${tenant.id} and m.id = few.id
         where ${eligible.isSelectiveByWords})
        union all
        (select m.id, m.created_at from ${tenant.message} m
         where m.tenant_id = ${tenant.id} and ${filter} and ${required} and not ${eligible.isSelectiveByWords}
         order by m.created_at desc, m.id desc limit ${sql.lit(limit)})
      ) found
      order by created_at desc, id desc limit ${sql.lit(limit)}`;
  }
  return sql<{ id: string; lexical_score: number }>`
    select m.id, 0::float8 as lexical_score from ${tenant.message} m
    where m.tenant_id = ${tenant.id} and ${filter} and ${required}
    order by m.created_at desc, m.id desc limit ${sql.lit(limit)}`;
}
