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
select tenant_id, id, generation, content_hash from input
