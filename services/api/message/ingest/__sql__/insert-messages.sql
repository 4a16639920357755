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
    $13::int[]
  ) with ordinality as t (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
    content_hash, created_at, updated_at, expires_at, generation, n)), known_tenant as (
  insert into tenant (tenant_id) select distinct tenant_id from input order by 1 on conflict do nothing
  returning tenant_id), stored as (
  insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
    created_at, updated_at, expires_at, search_language) select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
  created_at, updated_at, expires_at, (select language from search_language where state = 'current') from input
)
insert into embedding_pending (tenant_id, message_id, generation, content_hash)
select tenant_id, id, generation, content_hash from input
