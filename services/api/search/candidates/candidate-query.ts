import { sql, type RawBuilder } from 'kysely';
import type { CandidateFilter } from '../filter/search-filter.ts';
import { filterConditions, metadataCondition } from '../filter/filter-conditions.ts';
import type { LexicalQuery } from '../lexical/lexical-query.ts';
import type { ReadySegments } from '../vector/ready-segments.ts';

/** What candidates are looked for by. */
export interface CandidateQuery {
  readonly tenantId: string;
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

/** Whether a row of `message m` may be a hit. */
export function isEligible({ filter, lexical }: CandidateQuery): RawBuilder<boolean> {
  const required = lexical.mustMatch('m') ?? sql<boolean>`true`;
  return sql<boolean>`(${filterConditions(filter, 'm')} and ${metadataCondition(filter)} and ${required})`;
}
