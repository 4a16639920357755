import { segmentIndexName, type GraphOptions } from '@memory-layer/shared/vector-index/segment-index';
import { createSegmentIndexStatement } from '@memory-layer/shared/vector-index/segment-index.sql';
import { generation, idAt, insertVectors, partitionOf, tenantId } from './one-tenant.ts';
import type { Session } from './session.ts';

/** Vectors `from` (left out) to `through`, by their number. */
export interface NumberRange {
  readonly from: number;
  readonly through: number;
}

export const segmentOf = ({ from, through }: NumberRange) => ({
  tenantId,
  generation,
  afterId: idAt(from),
  throughId: idAt(through),
});

/** Builds an index of a range at once. @returns CPU milliseconds a vector. */
export async function buildSegment(
  { client, used }: Session,
  range: NumberRange,
  graph: GraphOptions & { readonly dimension: number },
): Promise<number> {
  const partition = await partitionOf(client);
  const before = used();
  await client.query(createSegmentIndexStatement(segmentOf(range), { ...graph, partition }));
  const { rows } = await client.query<{ reltuples: number }>(
    'select reltuples from pg_class where oid = $1::regclass',
    [segmentIndexName(segmentOf(range))],
  );
  return ((used() - before) * 1000) / (rows[0]?.reltuples ?? Number.NaN);
}

export async function dropSegment({ client }: Session, range: NumberRange): Promise<void> {
  await client.query(`drop index "${segmentIndexName(segmentOf(range))}"`);
}

/** Adds rows to what is there, indexes and all. @returns CPU milliseconds a vector. */
export async function addRows(
  { client, used }: Session,
  vectors: readonly Float32Array[],
  from: number,
): Promise<number> {
  const before = used();
  await insertVectors(client, vectors, from, 64);
  const cost = ((used() - before) * 1000) / vectors.length;
  await client.query('delete from message where tenant_id = $1 and id >= $2', [tenantId, idAt(from)]);
  return cost;
}
