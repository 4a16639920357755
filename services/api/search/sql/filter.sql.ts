import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { sql, type RawBuilder } from 'kysely';
import type { Clauses } from '../plan/lexical-query.ts';
import type { CandidateFilter, SearchPlan, SimilarityThreshold } from '../plan/search-plan.ts';
import { holdsForNone, type MetadataFilter, type MetadataPath, type Scalar } from '../query/metadata-filter.ts';
import type { SearchFilter } from '../query/search-request.ts';
import type { TenantSql } from './tenant.sql.ts';

const comparison = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
// Of more values an index would be asked for each, and each compared with every message that has one of them.
const maxContained = 8;

/** Whether a row of `message m` may be a hit: it has not expired and passes the filter. */
export function isEligible({ filter, clauses }: Pick<SearchPlan, 'filter' | 'clauses'>): RawBuilder<boolean> {
  return sql<boolean>`(${isUnexpired('m')} and ${filterConditions(filter, 'm')} and ${metadataCondition(filter)} and ${clausesCondition(clauses)})`;
}

/** Whether a row of `message m` has what it must have and nothing that it must not. */
export function clausesCondition({ must, mustNot }: Clauses): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [];
  if (must.length > 0) {
    const all = allOf(must);
    conditions.push(sql`m.search_vector @@ ${all.replaceAll(followedBy, '&')}::tsquery`);
    if (must.some(isPhrase)) conditions.push(sql`(m.search_vector @@ ${all}::tsquery or ${matchesInPassages(must)})`);
  }
  if (mustNot.length > 0) {
    const any = anyOf(mustNot);
    conditions.push(sql`not m.search_vector @@ ${any}::tsquery`);
    if (mustNot.some(isPhrase)) {
      conditions.push(sql`(m.search_passages is null or not exists (
        select from unnest(m.search_passages) passage where passage @@ ${any}::tsquery))`);
    }
  }
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`;
}

// Words of phrases consist of letters and digits, so none of them contains this character.
const followedBy = /<-> ?|<\d+> ?/g;
const isPhrase = (query: string) => query.includes('<');
const allOf = (queries: readonly string[]) => queries.map((query) => `(${query})`).join(' & ');
const anyOf = (queries: readonly string[]) => queries.map((query) => `(${query})`).join(' | ');

/** A message that is too long for one tsvector has a phrase if one of its passages has it. */
function matchesInPassages(queries: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`(m.search_passages is not null and not exists (
    select from unnest(${[...queries]}::tsquery[]) wanted (query)
    where not m.search_vector @@ wanted.query
      and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))`;
}

/**
 * The filter as SQL over the alias given, `e` of `embedding` or `m` of `message`. Metadata is only on `message`:
 * see {@link metadataCondition}.
 */
export function filterConditions(filter: CandidateFilter, alias: 'e' | 'm'): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const conditions: RawBuilder<boolean>[] = [sql<boolean>`true`];
  if (filter.conversationIds !== undefined) {
    conditions.push(sql`${column('conversation_id')} = any(${[...filter.conversationIds]}::text[])`);
  }
  if (filter.roles !== undefined) conditions.push(sql`${column('role')} = any(${[...filter.roles]}::text[])`);
  if (filter.createdAfter !== undefined) conditions.push(sql`${column('created_at')} >= ${filter.createdAfter}`);
  if (filter.createdBefore !== undefined) conditions.push(sql`${column('created_at')} < ${filter.createdBefore}`);
  if (filter.importanceMin !== undefined) conditions.push(sql`${column('importance')} >= ${filter.importanceMin}`);
  if (filter.importanceMax !== undefined) conditions.push(sql`${column('importance')} <= ${filter.importanceMax}`);
  if (filter.throughId !== undefined) {
    conditions.push(sql`${column(alias === 'e' ? 'message_id' : 'id')} <= ${filter.throughId}::uuid`);
  }
  if (filter.similarity !== undefined) conditions.push(similarityCondition(filter.similarity, alias));
  return sql.join(conditions, sql` and `);
}

/** Containment of the filter's metadata, and what else must hold for it, for the alias `m` of `message`. */
export function metadataCondition(filter: Pick<SearchFilter, 'metadata' | 'where'>): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [sql<boolean>`true`];
  if (filter.metadata !== undefined) conditions.push(contains(filter.metadata));
  if (filter.where !== undefined) conditions.push(compileMetadataFilter(filter.where));
  return sql.join(conditions, sql` and `);
}

function contains(metadata: Readonly<Record<string, unknown>>): RawBuilder<boolean> {
  const contained = sql<boolean>`m.metadata @> ${JSON.stringify(metadata)}::jsonb`;
  // Said although it follows: the index holds only messages that have metadata.
  return Object.keys(metadata).length === 0 ? contained : sql<boolean>`(m.metadata <> '{}' and ${contained})`;
}

function similarityCondition(threshold: SimilarityThreshold, alias: 'e' | 'm'): RawBuilder<boolean> {
  const { tenantId, generation, min, vector } = threshold;
  const parameter = encodeHalfvec(vector);
  if (alias === 'e') return sql<boolean>`1 - (e.vector <=> ${parameter}::halfvec) >= ${min}`;
  return sql<boolean>`exists (
    select from embedding s
    where s.tenant_id = ${tenantId} and s.message_id = m.id and s.generation = ${generation}
      and 1 - (s.vector <=> ${parameter}::halfvec) >= ${min})`;
}

/**
 * A filter over metadata as SQL over the alias `m` of `message`: true or false, never null, and no value makes it
 * fail. Equality is containment, which the index of metadata serves; ranges and existence are read from the rows.
 */
function compileMetadataFilter(filter: MetadataFilter): RawBuilder<boolean> {
  const compiled = compile(filter);
  // Said although it follows: the index holds only messages that have metadata.
  return holdsForNone(filter) ? compiled : sql<boolean>`(m.metadata <> '{}' and ${compiled})`;
}

/** A filter of which one part is a long list of values, and what else has to hold. */
interface ListFilter {
  /** What metadata contains one of, as JSON. */
  readonly documents: readonly string[];
  readonly rest: MetadataFilter | undefined;
}

/** Undefined when no part is a list of more values than one condition compares. */
export function splitLongList(filter: MetadataFilter): ListFilter | undefined {
  const parts = conjunctsOf(filter);
  for (const [index, part] of parts.entries()) {
    const documents = equalities(part)?.flatMap(({ path, values }) => documentsOf(path, values)) ?? [];
    const rest = parts.toSpliced(index, 1);
    if (documents.length > 2 * maxContained) {
      return { documents, rest: rest.length === 0 ? undefined : { kind: 'and', parts: rest } };
    }
  }
  return undefined;
}

/** What has to hold together. */
function conjunctsOf(filter: MetadataFilter): readonly MetadataFilter[] {
  return filter.kind === 'and' ? filter.parts.flatMap(conjunctsOf) : [filter];
}

/** The equalities of which one has to hold; undefined when the filter is something else. */
function equalities(filter: MetadataFilter): readonly { path: MetadataPath; values: readonly Scalar[] }[] | undefined {
  if (filter.kind === 'eq') return [{ path: filter.path, values: [filter.value] }];
  if (filter.kind === 'in') return [filter];
  if (filter.kind !== 'or') return undefined;
  const parts = filter.parts.map(equalities);
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

/**
 * Ids of the messages that contain one of the documents. The index is asked for each apart, so that a message is
 * compared with the one it was found by and no other. Fenced by `offset`: the planner may ask the other way round.
 */
export function containsAny(documents: readonly string[], tenant: TenantSql): RawBuilder<unknown> {
  return sql`
    select distinct found.id from unnest(${[...documents]}::jsonb[]) wanted (document) cross join lateral (
      select f.id from ${tenant.message} f
      where f.tenant_id = ${tenant.id} and f.metadata <> '{}' and f.metadata @> wanted.document offset 0
    ) found`;
}

function compile(filter: MetadataFilter): RawBuilder<boolean> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const separator = filter.kind === 'and' ? sql` and ` : sql` or `;
      return sql<boolean>`(${sql.join(filter.parts.map(compile), separator)})`;
    }
    case 'not':
      return sql<boolean>`(not ${compile(filter.part)})`;
    case 'eq':
      return equalsAny(filter.path, [filter.value]);
    case 'ne':
      return sql<boolean>`(not ${equalsAny(filter.path, [filter.value])})`;
    case 'in':
      return equalsAny(filter.path, filter.values);
    case 'exists':
      return filter.value ? exists(filter.path) : sql<boolean>`(not ${exists(filter.path)})`;
    default:
      return inRange(filter.path, comparison[filter.kind], filter.value);
  }
}

/** Contains one of the values at the path, alone or as an item of a list. */
function equalsAny(path: MetadataPath, values: readonly Scalar[]): RawBuilder<boolean> {
  if (values.length > maxContained && !path.some(isPosition)) return isOneOf(path, values);
  const contained = documentsOf(path, values).map((document) => sql`m.metadata @> ${document}::jsonb`);
  return sql<boolean>`(${sql.join(contained, sql` or `)})`;
}

/** The same, looked up once for however many values. */
function isOneOf(path: MetadataPath, values: readonly Scalar[]): RawBuilder<boolean> {
  const found = sql`(m.metadata #> ${[...path]}::text[])`;
  const wanted = sql`any(${values.map((value) => JSON.stringify(value))}::jsonb[])`;
  return sql<boolean>`coalesce(${found} = ${wanted} or (jsonb_typeof(${found}) = 'array'
    and exists (select from jsonb_array_elements(${found}) item (value) where item.value = ${wanted})), false)`;
}

/** Whether `#>` would take the key for a position in a list. */
function isPosition(key: string): boolean {
  return /^\s*[-+]?\d/.test(key);
}

/** What metadata contains that has one of the values at the path, as JSON. */
function documentsOf(path: MetadataPath, values: readonly Scalar[]): string[] {
  return values
    .flatMap((value) => [nest(path, value), nest(path, [value])])
    .map((document) => JSON.stringify(document));
}

/** `{"a":{"b":value}}` of the path a, b. */
function nest(path: MetadataPath, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

function exists(path: MetadataPath): RawBuilder<boolean> {
  return sql<boolean>`coalesce(jsonb_path_exists(m.metadata, ${jsonPath(path)}::jsonpath, '{}', true), false)`;
}

/** Other types than the operand's are in no range. */
function inRange(path: MetadataPath, operator: string, value: string | number): RawBuilder<boolean> {
  const own = `@ ${operator} $value`;
  const ofItems = `@.type() == "array" && exists(@[*] ? (${own}))`;
  const query = `${jsonPath(path)} ? (${own} || ${ofItems})`;
  const variables = JSON.stringify({ value });
  return sql<boolean>`coalesce(jsonb_path_exists(m.metadata, ${query}::jsonpath, ${variables}::jsonb, true), false)`;
}

/** Strict: through objects alone, as containment goes. A key in quotes is escaped as in JSON. */
function jsonPath(path: MetadataPath): string {
  return `strict $${path.map((key) => `.${JSON.stringify(key)}`).join('')}`;
}
