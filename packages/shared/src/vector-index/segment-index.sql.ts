import { escapeIdentifier, escapeLiteral } from 'pg';
import { segmentIndexName, type GraphOptions, type IndexSegment } from './segment-index.ts';

/**
 * The condition of a segment, as SQL text. A query must contain it, with these values, for the planner to use the
 * segment's index: as literals or as parameters of a plan that is made for them.
 */
export function segmentCondition({ tenantId, generation, afterId, throughId }: IndexSegment): string {
  return (
    `tenant_id = ${escapeLiteral(tenantId)} and generation = ${generation} ` +
    `and message_id > ${escapeLiteral(afterId)}::uuid and message_id <= ${escapeLiteral(throughId)}::uuid`
  );
}

/**
 * What is indexed: the column itself has no dimension, and an index needs one. Queries must order by the same.
 *
 * @param alias of `embedding` in the query.
 */
export function indexedVector(dimension: number, alias?: string): string {
  return `(${alias === undefined ? '' : `${alias}.`}vector::halfvec(${dimension}))`;
}

/**
 * The statement that builds a segment's index while others read and write; not inside a transaction.
 *
 * @param partition of `embedding` that holds the tenant, as SQL text: an index on all partitions cannot be built so.
 */
export function createSegmentIndexStatement(
  segment: IndexSegment,
  options: GraphOptions & { readonly partition: string; readonly dimension: number },
): string {
  return (
    `create index concurrently ${escapeIdentifier(segmentIndexName(segment))} on ${options.partition} ` +
    `using hnsw (${indexedVector(options.dimension)} halfvec_cosine_ops) ` +
    `with (m = ${options.m}, ef_construction = ${options.efConstruction}) ` +
    `where ${segmentCondition(segment)}`
  );
}
