import type { IdRange } from '@memory-layer/shared/vector-index/id-range';

/** A range of message ids whose vectors have an index. */
export interface ReadySegment extends IdRange {
  /** Vectors in the range when they were last counted. */
  readonly vectors: number;
}

/** What a look at all of a tenant's vectors has shown. */
export interface VectorSample {
  /** Passages of a message, in the mean. */
  readonly rowsPerMessage: number;
  /** Ids of messages spread evenly over the tenant's vectors, by which the share of a filter is estimated. */
  readonly sample: readonly string[];
}

/**
 * What is known of a tenant's vectors, some seconds old: it decides how they are read, never what is found. What no
 * segment covers is searched exactly, and a segment whose index is gone is read by the primary key.
 */
export interface ReadySegments extends VectorSample {
  /** In the order of their ids, without overlap; none for most tenants. */
  readonly segments: readonly ReadySegment[];
}

/** A tenant whose vectors are all searched exactly. */
export const noSegments: ReadySegments = { segments: [], rowsPerMessage: 1, sample: [] };
