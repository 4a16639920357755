import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { ShownNeighbour, ShownNeighbours } from '../search.ts';

interface NeighbourRow {
  readonly id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
  /** The hits that it stands beside: their ids, and its distance from each, negative before it. */
  readonly hit_ids: readonly string[];
  readonly distances: readonly number[];
}

/**
 * Up to `count` messages before and after each of the given ones, of the same tenant and conversation, in the order of
 * (created_at, id). By the id of the message they stand around; what does not exist is missing. One statement; a
 * message beside several hits is read once.
 */
export async function listNeighbours(
  db: Kysely<Schema>,
  { tenantId, ids, count }: { readonly tenantId: string; readonly ids: readonly string[]; readonly count: number },
): Promise<ReadonlyMap<string, ShownNeighbours>> {
  // Every table names the tenant by value: a column of another table would bring all partitions into the plan.
  const result = await sql<NeighbourRow>`
    with beside as (
      select near.id, array_agg(m.id::text) as hit_ids, array_agg(near.distance) as distances
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
    select n.id, n.role, n.content, n.metadata, n.created_at, beside.hit_ids, beside.distances
    from beside join message n on n.tenant_id = ${tenantId} and n.id = beside.id
  `.execute(db);
  return neighboursByHit(ids, result.rows);
}

/** Each row is looked at once for each hit that it stands beside. */
function neighboursByHit(ids: readonly string[], rows: readonly NeighbourRow[]): ReadonlyMap<string, ShownNeighbours> {
  const near = new Map(ids.map((id) => [id, new Array<{ row: NeighbourRow; distance: number }>()]));
  for (const row of rows) {
    row.hit_ids.forEach((id, index) => near.get(id)?.push({ row, distance: row.distances[index] ?? 0 }));
  }
  return new Map(
    [...near].map(([id, unordered]) => {
      const ordered = unordered.toSorted((a, b) => a.distance - b.distance);
      return [
        id,
        {
          before: ordered.filter(({ distance }) => distance < 0).map(({ row }) => toNeighbour(row)),
          after: ordered.filter(({ distance }) => distance > 0).map(({ row }) => toNeighbour(row)),
        },
      ];
    }),
  );
}

function toNeighbour(row: NeighbourRow): ShownNeighbour {
  return {
    messageId: row.id,
    role: row.role,
    content: row.content,
    metadata: row.metadata,
    createdAt: row.created_at,
  };
}
