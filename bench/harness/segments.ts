import { segmentIndexName, type GraphOptions } from '@memory-layer/shared/vector-index/segment-index';
import { createSegmentIndexStatement } from '@memory-layer/shared/vector-index/segment-index.sql';
import type { Client } from 'pg';

export type Segment = Parameters<typeof segmentIndexName>[0];

/** Builds the index of a segment at once. */
export async function buildSegment(
  client: Client,
  segment: Segment,
  graph: GraphOptions & { readonly dimension: number },
): Promise<void> {
  const { rows } = await client.query<{ partition: string }>(
    'select tableoid::regclass::text as partition from embedding where tenant_id = $1 limit 1',
    [segment.tenantId],
  );
  await client.query(createSegmentIndexStatement(segment, { ...graph, partition: rows[0]?.partition ?? '' }));
}

/** The same, as the embed workers leave it: searches may use it. */
export async function buildReadySegment(
  client: Client,
  segment: Segment,
  { vectors, ...graph }: GraphOptions & { readonly dimension: number; readonly vectors: number },
): Promise<void> {
  await buildSegment(client, segment, graph);
  const { tenantId, generation, afterId, throughId } = segment;
  await client.query(
    `insert into vector_index (tenant_id, generation, index_name, after_id, through_id, state, vectors)
     values ($1, $2, $3, $4, $5, 'ready', $6)`,
    [tenantId, generation, segmentIndexName(segment), afterId, throughId, vectors],
  );
}

/**
 * Names for tenants of the given sizes that all fall into the partition of the first, as tenants of a large database
 * share theirs: what they are asked for is all in the same index.
 */
export async function nameTenants(client: Client, sizes: readonly number[]) {
  const { rows } = await client.query<{ name: string }>(
    `select name from (select 'bench-' || n as name from generate_series(1, 100000) n) named
     where satisfies_hash_partition('message'::regclass, 16, 0, name) order by name limit $1`,
    [sizes.length],
  );
  return sizes.map((messages, index) => ({ tenantId: rows[index]?.name ?? '', messages }));
}
