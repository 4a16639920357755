import type { Client } from 'pg';

/** Tenants of one partition: what they are asked for is all in the same index. */
export interface Tenant {
  readonly tenantId: string;
  readonly messages: number;
}

/**
 * Names for tenants of the given sizes that all fall into the partition of the first, as tenants of a large database
 * share theirs.
 */
export async function nameTenants(client: Client, sizes: readonly number[]): Promise<Tenant[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from (select 'bench-' || n as name from generate_series(1, 100000) n) named
     where satisfies_hash_partition('message'::regclass, 16, 0, name) order by name limit $1`,
    [sizes.length],
  );
  return sizes.map((messages, index) => ({ tenantId: rows[index]?.name ?? '', messages }));
}

/** Stores the texts as messages of the tenant, `from` being the number of the first. */
export async function insertMessages(
  client: Client,
  tenantId: string,
  texts: readonly string[],
  from: number,
  rowsAtOnce = 500,
): Promise<void> {
  for (let start = 0; start < texts.length; start += rowsAtOnce) {
    // Of every 200 messages half, a twentieth and one have a mark in their metadata.
    await client.query(
      `insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                            created_at, updated_at)
       select $1, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c' || n / 50 % 200, 'user', content,
              jsonb_build_object('half', n * 7 % 2, 'twentieth', n * 7 % 20, 'rare', n * 7 % 200),
              0.2, '', now() - make_interval(secs => 1000000 - n), now()
       from unnest($2::text[]) with ordinality as given (content, nth), lateral (select ($3 + nth)::int as n) numbered`,
      [tenantId, texts.slice(start, start + rowsAtOnce), from + start],
    );
  }
}
