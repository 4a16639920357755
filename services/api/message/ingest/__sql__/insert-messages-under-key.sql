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

with input as materialized (
  select * from unnest(
    $1::text[],
    $2::uuid[],
    $3::text[],
    $4::text[],
    $5::text[],
    $6::jsonb[],
    $7::float8[],
    $8::text[],
    $9::bytea[],
    $10::timestamptz[],
    $11::timestamptz[],
    $12::timestamptz[],
    $13::int[],
    $14::text[], $15::text[], $16::text[], $17::text[], $18::text[]
  ) with ordinality as t (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
    content_hash, created_at, updated_at, expires_at, generation, words, parts, exact, names, passages, n)), known_tenant as (
  insert into tenant (tenant_id) select distinct tenant_id from input order by 1 on conflict do nothing
  returning tenant_id), stored as (
  insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
    created_at, updated_at, expires_at, search_language, search_vector, search_passages) select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
  created_at, updated_at, expires_at, "current"."language", index_words(coalesce("input"."words", "input"."content"), "input"."parts", "input"."exact", "input"."names", "current"."configuration"), case when "input"."passages" is not null then array(
    select to_tsvector("current"."configuration"::regconfig, passage)
    from unnest(string_to_array("input"."passages", '')) with ordinality as split (passage, n)
    order by n) end
  from input left join (
    select language, configuration from search_language where state = 'current' offset 0) current on true
)
insert into embedding_pending (tenant_id, message_id, generation, content_hash)
select tenant_id, id, generation, content_hash from input;

update idempotency_key held set answer = a.answer
from unnest(
  $1::text[],
  $2::text[],
  $3::jsonb[]
) as a (tenant_id, idempotency_key, answer)
where held.tenant_id = a.tenant_id and held.idempotency_key = a.idempotency_key;

commit
