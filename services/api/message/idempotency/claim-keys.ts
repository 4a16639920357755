import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { IdempotencyClaim } from './idempotency.ts';

/**
 * Takes the keys that nobody has, or whose time is over, until the transaction ends. Waits for a transaction that
 * is taking one of them; in the order of the keys, so that two of them cannot deadlock.
 *
 * @param claims no two of the same tenant and key.
 * @returns the claims that were granted.
 */
export async function claimKeys(
  transaction: Kysely<Schema>,
  claims: readonly IdempotencyClaim[],
): Promise<ReadonlySet<IdempotencyClaim>> {
  const result = await sql<{ n: number }>`
    with claim as materialized (
      select * from unnest(
        ${claims.map((claim) => claim.tenantId)}::text[],
        ${claims.map((claim) => claim.key)}::text[],
        ${claims.map((claim) => claim.requestHash)}::bytea[]
      ) with ordinality as t (tenant_id, idempotency_key, request_hash, n)
    ), granted as (
      insert into idempotency_key as held (tenant_id, idempotency_key, request_hash, answer, expires_at)
      select tenant_id, idempotency_key, request_hash, '{}', now() + interval '24 hours' from claim order by 1, 2
      on conflict on constraint idempotency_key_pkey do update
        set request_hash = excluded.request_hash, answer = '{}', created_at = now(), expires_at = excluded.expires_at
        where held.expires_at <= now()
      returning tenant_id, idempotency_key
    )
    select claim.n::int from claim join granted using (tenant_id, idempotency_key)
  `.execute(transaction);
  return new Set(result.rows.flatMap(({ n }) => claims[n - 1] ?? []));
}
