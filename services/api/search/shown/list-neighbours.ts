import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { requestLimits } from '../../cost/request-cost.ts';
import { isWithinBytes, messageBytes } from '../../cost/within-bytes.sql.ts';
import type { ShownNeighbour, ShownNeighbours } from '../search.ts';

interface NeighbourRow {
  readonly id: string;
  readonly role: Role;
  /** Null, as its metadata, when it does not fit. */
  readonly content: string | null;
  readonly metadata: Record<string, unknown> | null;
  readonly created_at: Date;
  /** The hits that it stands beside: their ids, and its distance from each, negative before it. */
  readonly hit_ids: readonly string[];
  readonly distances: readonly number[];
}

export interface NeighbourQuery {
  readonly tenantId: string;
  /** Of the hits, best first. */
  readonly ids: readonly string[];
  readonly count: number;
  /** Of the contents and metadata that are read: the nearest of every hit first, and those of the best hits. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Up to `count` messages before and after each of the given ones, of the same tenant and conversation, in the order of
 * (created_at, id). By the id of the message they stand around; what does not exist is missing. One statement; a
 * message beside several hits is read once.
 */
export async function listNeighbours(
  db: Kysely<Schema>,
  { tenantId, ids, count, maxBytes = requestLimits.answerBytes, signal }: NeighbourQuery,
): Promise<ReadonlyMap<string, ShownNeighbours>> {
  const fits = isWithinBytes(messageBytes(sql.ref('n')), sql`beside.nearest, beside.best_hit, n.id`, maxBytes);
  // Every table names the tenant by value: a column of another table would bring all partitions into the plan.
  const result = await sql<NeighbourRow>`
    with beside as (
      select near.id, array_agg(m.id::text) as hit_ids, array_agg(near.distance) as distances,
             min(abs(near.distance)) as nearest, min(array_position(${[...ids]}::uuid[], m.id)) as best_hit
      from message m cross join lateral (
        (select n.id, -(row_number() over (order by n.created_at desc, n.id desc))::int as distance from message n
         where n.tenant_id = ${tenantId} and n.conversation_id = m.conversation_id
           and (n.created_at, n.id) < (m.created_at, m.id)
         order by n.created_at desc, n.id desc limit ${count})
        union all
        (select n.id, (row_number() over (order by n.created_at, n.id))::int as distance from message n
         where n.tenant_id = ${tenantId} and n.conversation_id = m.conversation_id
           and (n.created_at, n.id) > (m.created_at, m.id)
         order by n.created_at, n.id limit ${count})
      ) near
      where m.tenant_id = ${tenantId} and m.id = any(${[...ids]}::uuid[])
      group by near.id
    )
    select n.id, n.role, case when ${fits} then n.content end as content,
           case when ${fits} then n.metadata end as metadata, n.created_at, beside.hit_ids, beside.distances
    from beside join message n on n.tenant_id = ${tenantId} and n.id = beside.id
  `.execute(db, cancelledBy(signal));
  return neighboursByHit(ids, result.rows);
}

interface NearRow {
  readonly row: NeighbourRow;
  readonly distance: number;
}

/** Each row is looked at once for each hit that it stands beside. */
function neighboursByHit(ids: readonly string[], rows: readonly NeighbourRow[]): ReadonlyMap<string, ShownNeighbours> {
  const near = new Map(ids.map((id) => [id, new Array<NearRow>()]));
  for (const row of rows) {
    row.hit_ids.forEach((id, index) => near.get(id)?.push({ row, distance: row.distances[index] ?? 0 }));
  }
  return new Map([...near].map(([id, own]) => [id, toNeighbours(own)]));
}

function toNeighbours(near: readonly NearRow[]): ShownNeighbours {
  const outwards = near.toSorted((a, b) => Math.abs(a.distance) - Math.abs(b.distance));
  const before = untilUnread(outwards.filter(({ distance }) => distance < 0).map(({ row }) => row));
  const after = untilUnread(outwards.filter(({ distance }) => distance > 0).map(({ row }) => row));
  return { before: before.toReversed(), after, truncated: before.length + after.length < near.length };
}

/** Outwards from the hit, so that nothing is missing in between. */
function untilUnread(rows: readonly NeighbourRow[]): ShownNeighbour[] {
  const shown: ShownNeighbour[] = [];
  for (const { id, role, content, metadata, created_at } of rows) {
    if (content === null || metadata === null) break;
    shown.push({ messageId: id, role, content, metadata, createdAt: created_at });
  }
  return shown;
}
