import type { Client } from 'pg';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { allIds } from '@memory-layer/shared/vector-index/id-range';
import { graphOptionsFor } from '@memory-layer/shared/vector-index/segment-index';
import { buildReadySegment } from '../harness/segments.ts';

export const generation = 1;

/** One vector a message, as chat turns have; or several of some, 2.55 in the mean. */
export const passageKinds = ['one', 'several'] as const;
export type PassageKind = (typeof passageKinds)[number];

export interface Tenant {
  readonly tenantId: string;
  readonly messages: number;
}

/** Vectors of real turns, of which every tenant's are made. */
export async function storeBase(client: Client, vectors: readonly Float32Array[]): Promise<void> {
  await client.query('create unlogged table base (n integer primary key, vector halfvec not null)');
  await client.query('alter table base alter vector set storage main');
  for (let start = 0; start < vectors.length; start += 500) {
    await client.query(
      'insert into base select $1::int + nth - 1, vector::halfvec from unnest($2::text[]) with ordinality as v (vector, nth)',
      [start, vectors.slice(start, start + 500).map(toVectorLiteral)],
    );
  }
  await client.query('analyze base');
}

/** The n-th message of a tenant, in the order of n. */
const idOf = `('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;

/** Spread without pattern: 0 to 199 for message n, another for each salt. */
const spread = (salt: number): string => `((hashint4(n * 31 + ${salt}) & 2147483647) % 200)`;

/**
 * A tenant's messages and vectors. Where there are several, a third have one passage, the others three or four, 2.55 rows
 * a message: the whole, and parts that are near it and near something else. Of all messages a half, a twentieth and a two-hundredth have
 * what the filters of the table ask for, each independent of the others and of what is said.
 */
export async function addTenant(
  client: Client,
  { tenantId, messages }: Tenant,
  { offset, passages }: { readonly offset: number; readonly passages: PassageKind },
): Promise<void> {
  const furthest = passages === 'one' ? '0' : 'case when n % 20 < 7 then 0 when n % 20 < 15 then 2 else 3 end';
  await client.query(
    `insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                          search_language, search_vector)
     select $1, ${idOf}, 'c-' || ${spread(1)},
            case when role < 100 then 'user' when role < 189 then 'assistant' when role < 199 then 'system' else 'tool' end,
            'text ' || n, jsonb_build_object('half', marks < 100, 'twentieth', marks < 10, 'rare', marks < 1),
            (${spread(4)} + 0.5) / 200.0, '', '2024-01-01T00:00:00Z'::timestamptz + make_interval(mins => n), now(),
            'english 2', to_tsvector('english', 'text ' || n)
     from generate_series(0, $2::int - 1) n, lateral (select ${spread(2)} as role, ${spread(3)} as marks) s`,
    [tenantId, messages],
  );
  await client.query(
    `insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
     select m.tenant_id, m.id, ${generation}, p,
            l2_normalize(case p when 0 then a.vector else a.vector + a.vector + a.vector + b.vector + b.vector end),
            m.conversation_id, m.role, m.importance, m.created_at
     from (select *, substr(content, 6)::int as n from message where tenant_id = $1) m
     cross join lateral generate_series(0, ${furthest}) p
     join base a on a.n = (m.n + $2::int) % $3::int
     join base b on b.n = ((m.n + $2::int) * 7919::bigint + p * 104729) % $3::int
     order by m.id, p`,
    [tenantId, offset, await baseSize(client)],
  );
}

async function baseSize(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>('select count(*)::int as count from base');
  return rows[0]?.count ?? 0;
}

// What fits into 256 MB at 512 dimensions, and what a tail in quiet times may have: see docs/adr/0011.
const mostVectors = 139_000;
const tail = 2400;

/** Indexes a tenant as the maintainer leaves it when nothing more comes in. @returns segments built. */
export async function buildSegments(client: Client, { tenantId }: Tenant, dimension: number): Promise<number> {
  const { rows } = await client.query<{ id: string }>(
    'select message_id as id from embedding where tenant_id = $1 and generation = $2 order by message_id, passage_no',
    [tenantId, generation],
  );
  if (rows.length < 10_000) return 0;
  let built = 0;
  let afterId = allIds.afterId;
  for (let from = 0; from < rows.length - tail; from += mostVectors, built++) {
    const size = Math.min(mostVectors, rows.length - tail - from);
    const segment = { tenantId, generation, afterId, throughId: rows[from + size - 1]?.id ?? allIds.throughId };
    await buildReadySegment(client, segment, { ...graphOptionsFor(size), dimension, vectors: size });
    afterId = segment.throughId;
  }
  return built;
}
