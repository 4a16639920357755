import type { Role } from '@memory-layer/shared/db/schema';
import type { MetadataFilter } from './metadata-filter.ts';

/** Which messages may be hits. Undefined parts do not filter. */
export interface SearchFilter {
  readonly conversationIds: readonly string[] | undefined;
  readonly roles: readonly Role[] | undefined;
  /** Inclusive. */
  readonly createdAfter: Date | undefined;
  /** Exclusive. */
  readonly createdBefore: Date | undefined;
  /** Inclusive, as is the greatest. */
  readonly importanceMin: number | undefined;
  readonly importanceMax: number | undefined;
  /** What a message's metadata must contain. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  /** What else must hold for it. */
  readonly where: MetadataFilter | undefined;
}

/** A filter with what the rest of the request adds to it. */
export interface CandidateFilter extends SearchFilter {
  /** Messages with a greater id came after the first page. */
  readonly throughId: string | undefined;
  readonly similarity: SimilarityThreshold | undefined;
}

/** A message passes when one of its vectors does; so one without vectors does not. */
export interface SimilarityThreshold {
  readonly tenantId: string;
  readonly generation: number;
  /** Cosine similarity, -1 to 1, to the plain query vector. */
  readonly min: number;
  readonly vector: Float32Array;
}
