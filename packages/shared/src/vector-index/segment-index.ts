import { createHash } from 'node:crypto';
import type { IdRange } from './id-range.ts';

/** Whose vectors an index holds: those of one tenant and generation whose message ids lie in the range. */
export interface IndexSegment extends IdRange {
  readonly tenantId: string;
  readonly generation: number;
}

/** How a graph is built; see pgvector's README, "Index Options" of HNSW. */
export interface GraphOptions {
  /** Connections of a vector in each layer. */
  readonly m: number;
  /** Candidates looked at for each vector that is added. */
  readonly efConstruction: number;
}

// Measured (docs/adr/0011): the smaller graph is as good for small segments and costs less; larger ones need the other.
const smallGraph: GraphOptions = { m: 12, efConstruction: 64 };
const largeGraph: GraphOptions = { m: 16, efConstruction: 64 };
const largeFrom = 50_000;

/** How the graph of a segment of this many vectors is built. */
export function graphOptionsFor(vectors: number): GraphOptions {
  return vectors < largeFrom ? smallGraph : largeGraph;
}

/** What the names of all segment indexes look like. */
export const segmentIndexPattern = /^embedding_hnsw_[0-9a-f]{24}$/;

/** The same for the same segment, so that what is left of a build that broke off is found by the next one. */
export function segmentIndexName({ tenantId, generation, afterId, throughId }: IndexSegment): string {
  const digest = createHash('sha256').update([tenantId, generation, afterId, throughId].join(':')).digest('hex');
  return `embedding_hnsw_${digest.slice(0, 24)}`;
}

/**
 * Memory that a graph takes while it is built, in bytes a vector: measured with pgvector 0.8 on PostgreSQL 17 by
 * where it says that the graph no longer fits, and a tenth more. A graph that does not fit is built row by row.
 */
export function graphBytesPerVector(dimension: number, m: number): number {
  return 1.1 * (2 * dimension + 210 + 32 * m);
}
