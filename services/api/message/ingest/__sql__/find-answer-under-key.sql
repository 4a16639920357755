begin;

with claim as materialized (
  select * from unnest(
    $1::text[],
    $2::text[],
    $3::bytea[]
  ) with ordinality as t (tenant_id, idempotency_key, request_hash, n)
), granted as (
  insert into idempotency_key as held (tenant_id, idempotency_key, request_hash, answer, expires_at)
  select tenant_id, idempotency_key, request_hash, '{}', now() + interval '24 hours' from claim order by 1, 2
  on conflict on constraint idempotency_key_pkey do update
  set request_hash = excluded.request_hash, answer = '{}', created_at = now(), expires_at = excluded.expires_at
  where held.expires_at <= now()
  returning tenant_id, idempotency_key
)
select claim.n::int from claim join granted using (tenant_id, idempotency_key);

commit;

select "request_hash", "answer" from "idempotency_key" where "tenant_id" = $1 and "idempotency_key" = $2 and "expires_at" > now()
