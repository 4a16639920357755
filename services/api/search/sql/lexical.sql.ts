import { sql, type RawBuilder } from 'kysely';
import { quoteTerm } from '../../words/message-index.ts';
import { bm25Of, maxSteps, type Bm25, type CandidateStep, type LexicalPlan } from '../plan/lexical-plan.ts';
import type { Clauses, WeightedPhrase, WeightedTerm } from '../plan/lexical-query.ts';
import { hasClauses } from '../plan/search-plan.ts';
import { clausesCondition } from './filter.sql.ts';
import type { TenantSql } from './tenant.sql.ts';

/** The messages that pass the filter, where they are looked up first. */
export interface EligibleTables {
  /** Common table expressions that the others refer to. */
  readonly tables: RawBuilder<unknown>;
  /** A table of one column, `id`, with repeats. Complete when the filter is selective. */
  readonly table: RawBuilder<unknown>;
  /** Few enough pass to compare all their vectors, which takes no longer than asking the graphs for those that pass. */
  readonly isSelective: RawBuilder<boolean>;
  /** Few enough pass to score all of them by their words. */
  readonly isSelectiveByWords: RawBuilder<boolean>;
}

export interface WordCandidates {
  readonly words: LexicalPlan;
  readonly clauses: Clauses;
  readonly tenant: TenantSql;
  /** Conditions on `m`, a row of `message`. */
  readonly filter: RawBuilder<boolean>;
  readonly limit: number;
  /** Those that pass the filter, where they are looked up first. */
  readonly eligible?: EligibleTables | undefined;
}

interface WordRow {
  readonly id: string;
  readonly lexical_score: number;
  /** As {@link termScores}, and the number of different words; null where nothing was scored. */
  readonly term_scores: string | null;
  readonly word_count: number | null;
}

/** What stands for a term where there is none: a statement has one of few lengths, so that it can be prepared. */
type TermOrNone = WeightedTerm | undefined;

// ts_rank of one word is 0.1 / 1.64493406685 times the sum of 1/j² for j up to its number of places, whose limit is
// π²/6; what is missing to the limit after n places is 1 / (n + 1/2), nearly. So rounding gives n back exactly.
const rankLimit = sql.raw(`${Math.PI ** 2 / 6}::float8`);
const rankScale = sql.raw('16.4493406685::float8');
// Larger values are not in their row, as a rule (https://www.postgresql.org/docs/current/storage-toast.html).
const inlineBytes = 1900;
// Numbers of words that a statement is written for.
const lengths = [4, 8, 16, 32];
// As many as the index tells apart: longer messages count as so long.
const longest = 40;

/**
 * Rows (id, lexical_score, term_scores, word_count), best first, of messages that pass the filter and the clauses: min(limit, those that have any
 * word). Without words, the newest that pass, when there are clauses; else none.
 */
export function wordCandidates(query: WordCandidates): RawBuilder<WordRow> {
  const { words, limit, eligible } = query;
  if (words.terms.length === 0) return newest(query);
  // Always as many, the first ones finding nothing when they are not needed.
  const steps = [...Array.from({ length: maxSteps - words.steps.length }, () => undefined), ...words.steps];
  // A step runs only when the one before it found too few. The condition has no row in it, so it is asked once.
  const ctes = steps.map((step, index) => {
    const before = steps
      .slice(0, index)
      .map((_, n) => sql`and (select count(*) from ${stepName(n)}) < ${sql.lit(limit)}`);
    return sql`${stepName(index)} as materialized (${find(step, query)} ${sql.join(before, sql` `)})`;
  });
  const results = steps.map((_, index) => {
    const isLast = index === steps.length - 1;
    return sql`select * from ${stepName(index)} ${isLast ? sql`` : sql`where not exists (select from ${stepName(index + 1)})`}`;
  });
  if (eligible !== undefined) results.push(amongEligible(steps.at(-1), eligible, query));
  const parts = scoreParts(words, 'found');
  return sql`
        with ${sql.join(ctes)}
        select id, lexical_score, concat_ws(',', ${sql.join(parts.map((_, index) => sql`${partName(index)}::float4`))}) as term_scores,
               word_count
        from (
          select scored.*, ${sumOf(parts.map((_, index) => partName(index)))} as lexical_score from (
            select id, length(search_vector) as word_count,
                   ${sql.join(parts.map((part, index) => sql`${part} as ${partName(index)}`))}
            from (
              select id, ${inMemory('stored')} as search_vector from ${withinBytes(sql.join(results, sql` union all `), words)} stored offset 0
            ) found offset 0
          ) scored
          order by lexical_score desc, id limit ${sql.lit(limit)}
        ) best
        order by lexical_score desc, id`;
}

/** The newest of them whose words have so many bytes together, where a plan bounds that. None is read to know its size. */
function withinBytes(found: RawBuilder<unknown>, { maxBytes }: LexicalPlan): RawBuilder<unknown> {
  if (maxBytes === undefined) return sql`(${found})`;
  return sql`(select id, search_vector from (
      select id, search_vector, sum(pg_column_size(search_vector)) over (order by id desc rows unbounded preceding) as bytes
      from (${found}) found
    ) measured where bytes <= ${sql.lit(maxBytes)})`;
}

function partName(index: number) {
  return sql.ref(`part_${index}`);
}

function sumOf(parts: readonly RawBuilder<unknown>[]): RawBuilder<number> {
  return sql<number>`(${sql.join(
    parts.map((part) => sql`coalesce(${part}, 0)`),
    sql` + `,
  )})`;
}

/**
 * The words of a row under the alias, read once: a long message's are stored compressed apart from its row, and each
 * function that is given them from there would read and inflate them again. For a subquery that `offset 0` fences.
 */
export function inMemory(alias: string): RawBuilder<unknown> {
  const vector = sql.ref(`${alias}.search_vector`);
  // An array has its items in itself: a third of what making a new vector by an operator takes.
  return sql`case when pg_column_size(${vector}) > ${sql.lit(inlineBytes)} then (array[${vector}])[1] else ${vector} end`;
}

/**
 * What each word and each phrase of the query adds to the BM25 of a row under the alias, in their order, joined by
 * commas.
 */
export function termScores(words: LexicalPlan, alias: string): RawBuilder<string> {
  if (words.terms.length === 0) return sql<string>`''`;
  return sql<string>`concat_ws(',', ${sql.join(scoreParts(words, alias).map((part) => sql`(${part})::float4`))})`;
}

/** BM25 of any row of `message` under the alias, phrases included; 0 when it has no word of the query. */
export function lexicalScore(words: LexicalPlan, alias: string): RawBuilder<number> {
  if (words.terms.length === 0) return sql<number>`0::float8`;
  return sumOf(scoreParts(words, alias));
}

function scoreParts(words: LexicalPlan, alias: string): RawBuilder<number | null>[] {
  const vector = sql.ref(`${alias}.search_vector`);
  return [...bm25Parts(vector, fillUp(words.terms), bm25Of(words)), ...phraseParts(vector, words.phrases)];
}

/** The terms, and as many places more as make the number one of a few. */
function fillUp(terms: readonly WeightedTerm[]): TermOrNone[] {
  const length = lengths.find((places) => places >= terms.length) ?? terms.length;
  return Array.from({ length: terms.length === 0 ? 0 : length }, (_, index) => terms[index]);
}

/**
 * What each term adds to the BM25 of a message, as SQL, in their order: 0 when it does not have it, null for no term.
 * The length of a message is its number of different words. Cheap for terms that
 * are not there, which most are not. All that differs from query to query is a parameter.
 */
function bm25Parts(
  vector: RawBuilder<unknown>,
  terms: readonly TermOrNone[],
  { mostOf, fixed, perWord }: Bm25,
): RawBuilder<number | null>[] {
  return terms.map((term) => {
    const query = sql`${term === undefined ? null : quoteTerm(term.term)}::tsquery`;
    const most = term === undefined ? null : mostOf(term.weight);
    const places = sql`round(1 / (${rankLimit} - ${rankScale} * ts_rank(${vector}, ${query})) - 0.5::float8)`;
    const saturation = sql`(${fixed}::float8 + ${perWord}::float8 * length(${vector})) / ${places}`;
    return sql<number | null>`case ${vector} @@ ${query}
      when true then ${most}::float8 / (1 + ${saturation}) when false then 0 end`;
  });
}

/** What each phrase adds to the score of a message, as SQL, in their order. */
function phraseParts(vector: RawBuilder<unknown>, phrases: readonly WeightedPhrase[]): RawBuilder<number>[] {
  return phrases.map(
    ({ query, weight }) => sql<number>`case when ${vector} @@ ${query}::tsquery then ${weight}::float8 else 0 end`,
  );
}

function find(step: CandidateStep | undefined, { words, clauses, tenant, filter, eligible }: WordCandidates) {
  return sql`
    select m.id, m.search_vector from ${tenant.message} m
    where m.tenant_id = ${tenant.id} and ${inStep(words.tenantId, step)} and ${filter} and ${clausesCondition(clauses)}
      ${eligible === undefined ? sql`` : sql`and not ${eligible.isSelectiveByWords}`}`;
}

function stepName(index: number) {
  return sql.ref(`step_${index}`);
}

/**
 * What the index of words is asked: the words, together with the tenant, alone or with the length. The text is the same
 * for every step; what is null finds nothing, and takes no time.
 */
function inStep(tenantId: string, step: CandidateStep | undefined): RawBuilder<boolean> {
  const { query = null, narrowed } = step ?? {};
  const all = scopeOf(tenantId);
  const isNarrow = narrowed !== undefined && narrowed.maxLength < longest;
  const scopes = isNarrow ? Array.from({ length: narrowed.maxLength + 1 }, (_, length) => `${all} ${length}`) : [all];
  const above = isNarrow ? (narrowed.above ?? null) : null;
  const scope = sql`message_scope(m.tenant_id, m.search_vector)`;
  // That the query is there is said apart, to be asked once before anything is read.
  return sql<boolean>`${query}::tsquery is not null
    and ((${scope} && ${scopes}::text[] and m.search_vector @@ ${query}::tsquery)
      or (${scope} @> ${[all]}::text[] and m.search_vector @@ ${above}::tsquery))`;
}

/** A tenant as the function `message_scope` of the database writes it. */
function scopeOf(tenantId: string): string {
  return tenantId.replaceAll('%', '%25').replaceAll(' ', '%20');
}

/** All eligible messages that have any of the words, read by their keys, when the filter is selective. */
function amongEligible(any: CandidateStep | undefined, eligible: EligibleTables, { tenant }: WordCandidates) {
  return sql`
    select m.id, m.search_vector from (select distinct id from ${eligible.table}) few cross join lateral (
      select m.id, m.search_vector from ${tenant.message} m
      where m.tenant_id = ${tenant.id} and m.id = few.id and m.search_vector @@ ${any?.query ?? null}::tsquery offset 0
    ) m where ${eligible.isSelectiveByWords}`;
}

const unscored = sql`0::float8 as lexical_score, null::text as term_scores, null::int as word_count`;

function newest({ tenant, filter, clauses, limit, eligible }: WordCandidates): RawBuilder<WordRow> {
  if (!hasClauses(clauses)) return sql<never>`select null::uuid as id, ${unscored} where false`;
  const required = clausesCondition(clauses);
  if (eligible !== undefined) {
    return sql<WordRow>`
      select id, ${unscored} from (
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
  return sql<WordRow>`
    select m.id, ${unscored} from ${tenant.message} m
    where m.tenant_id = ${tenant.id} and ${filter} and ${required}
    order by m.created_at desc, m.id desc limit ${sql.lit(limit)}`;
}
