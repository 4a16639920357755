import { sql, type RawBuilder } from 'kysely';
import type { CandidateFilter } from '../filter/search-filter.ts';
import { filterConditions, metadataCondition } from '../filter/filter-conditions.ts';
import type { LexicalQuery } from '../lexical/lexical-query.ts';
import { defaultCandidateLimit } from '../search.ts';
import type { ReadySegments } from '../vector/ready-segments.ts';

/** What candidates are looked for by. */
export interface CandidateQuery {
  readonly tenantId: string;
  /** The same as SQL: see {@link tenantInSql}. */
  readonly tenant: RawBuilder<string>;
  readonly generation: number;
  /** Centred query vector; undefined searches by words alone. */
  readonly vector: Float32Array | undefined;
  readonly segments: ReadySegments;
  readonly lexical: LexicalQuery;
  /** False in the mode `vector`: words are required and excluded, but find nothing and score nothing. */
  readonly byWords: boolean;
  /** Candidates from each side. */
  readonly limit: number;
  readonly filter: CandidateFilter;
}

// From so many messages on, a plan made for any tenant may be a bad one.
const largeTenant = 5000;

/**
 * A tenant as SQL. A large one is written out: then a plan can be kept that is made for its size and uses the indexes
 * that it has for itself. Others are a parameter, so that all of them share one plan.
 */
export function tenantInSql(tenantId: string, messages: number): RawBuilder<string> {
  return messages < largeTenant ? sql<string>`${tenantId}` : sql.lit(tenantId);
}

/**
 * Whether a query's statements are always the same, but for their parameters, and their plans right whatever those are:
 * then they can be kept. A filter wants a plan of its own, and an unusual limit is not asked for again.
 */
export function isKeepable({ filter, lexical, limit }: CandidateQuery): boolean {
  const isPlain =
    !lexical.hasPhrases &&
    lexical.mustMatch('m') === undefined &&
    Object.values(filter).every((value) => value === undefined);
  return isPlain && limit === defaultCandidateLimit;
}

/**
 * The rows of `embedding e` that are the passages of `message m`. They are looked up by the primary key; `+ 0` keeps
 * the indexes over generation out of it, which look as good in a database that has no statistics yet, and would read
 * all of the tenant for each message.
 */
export function isPassage(tenant: RawBuilder<string>, generation: number): RawBuilder<boolean> {
  return sql<boolean>`(e.tenant_id = ${tenant} and e.message_id = m.id and e.generation + 0 = ${sql.lit(generation)})`;
}

/** Whether a row of `message m` may be a hit. */
export function isEligible({ filter, lexical }: CandidateQuery): RawBuilder<boolean> {
  const required = lexical.mustMatch('m') ?? sql<boolean>`true`;
  return sql<boolean>`(${filterConditions(filter, 'm')} and ${metadataCondition(filter)} and ${required})`;
}
