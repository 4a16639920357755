import { sql, type RawBuilder } from 'kysely';
import type { CandidateFilter } from '../filter/search-filter.ts';
import { filterConditions, metadataCondition } from '../filter/filter-conditions.ts';
import type { LexicalQuery } from '../lexical/lexical-query.ts';
import { defaultCandidateLimit } from '../search.ts';
import type { TenantInSql } from '../tenant-in-sql.ts';
import type { ReadySegments } from '../vector/ready-segments.ts';

/** What candidates are looked for by. */
export interface CandidateQuery {
  readonly tenantId: string;
  readonly tenant: TenantInSql;
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
  /** Ends the statements of the search. */
  readonly signal?: AbortSignal;
}

/**
 * Whether a query's statements are always the same, but for their parameters, and their plans right whatever those are:
 * then they can be kept. A filter wants a plan of its own, and an unusual limit is not asked for again.
 */
export function isKeepable({ filter, lexical, byWords, limit }: CandidateQuery): boolean {
  const isPlain =
    !(byWords && lexical.hasPhrases) &&
    lexical.mustMatch('m') === undefined &&
    Object.values(filter).every((value) => value === undefined);
  return isPlain && limit === defaultCandidateLimit;
}

/**
 * The rows of `embedding e` that are the passages of `message m`. They are looked up by the primary key; `+ 0` keeps
 * the indexes over generation out of it, which look as good in a database that has no statistics yet, and would read
 * all of the tenant for each message.
 */
export function isPassage(tenantId: RawBuilder<string>, generation: number): RawBuilder<boolean> {
  return sql<boolean>`(e.tenant_id = ${tenantId} and e.message_id = m.id and e.generation + 0 = ${sql.lit(generation)})`;
}

/** Whether a row of `message m` may be a hit. */
export function isEligible({ filter, lexical }: CandidateQuery): RawBuilder<boolean> {
  const required = lexical.mustMatch('m') ?? sql<boolean>`true`;
  return sql<boolean>`(${filterConditions(filter, 'm')} and ${metadataCondition(filter)} and ${required})`;
}
