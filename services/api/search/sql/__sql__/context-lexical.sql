with query as materialized (select $1::halfvec as vector),
around as materialized (
  select m.id, earlier.ids || m.id || later.ids as chain
  from unnest($2::uuid[]) wanted (id) cross join lateral (
    select id, conversation_id, created_at from "message_p3" where tenant_id = (select $3::text) and id = wanted.id offset 0
  ) m cross join lateral (
    select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
      select n.id, n.created_at from "message_p3" n
      where n.tenant_id = (select $4::text) and n.conversation_id = m.conversation_id and ("n"."expires_at" is null or "n"."expires_at" > now())
      and (n.created_at, n.id) < (m.created_at, m.id)
      order by n.created_at desc, n.id desc limit 2
    ) n
  ) earlier cross join lateral (
    select coalesce(array_agg(n.id order by n.created_at, n.id), '{}') as ids from (
      select n.id, n.created_at from "message_p3" n
      where n.tenant_id = (select $5::text) and n.conversation_id = m.conversation_id and ("n"."expires_at" is null or "n"."expires_at" > now())
      and (n.created_at, n.id) > (m.created_at, m.id)
      order by n.created_at, n.id limit 2
    ) n
  ) later
),
pool as (
  select distinct on (link.id) link.id, link.previous_id
  from around cross join unnest(chain, null::uuid || chain) as link (id, previous_id)
  where link.id is not null order by link.id, link.previous_id
),
scored as materialized (
  select m.id, concat_ws(',', (case "indexed"."search_vector" @@ $6::tsquery
      when true then $7::float8 / (1 + ($8::float8 + $9::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $10::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $11::tsquery
      when true then $12::float8 / (1 + ($13::float8 + $14::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $15::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $16::tsquery
      when true then $17::float8 / (1 + ($18::float8 + $19::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $20::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $21::tsquery
      when true then $22::float8 / (1 + ($23::float8 + $24::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $25::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count, m.conversation_id, m.role, case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
  and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance,
  (extract(epoch from m.created_at) * 1000)::float8 as created_at, pool.previous_id,
  (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) as eligible, passage.vector, passage.vector_score
  from pool join "message_p3" m on m.tenant_id = (select $26::text) and m.id = pool.id cross join lateral (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  cross join (select null::halfvec as vector, null::float8 as vector_score) passage
)
select s.id, s.term_scores, s.word_count, s.conversation_id, s.role, s.speaker, s.importance, s.created_at, s.eligible,
s.vector_score, s.previous_id,
1 - (s.vector <=> lag(s.vector) over conversation) as similarity_1,
1 - (s.vector <=> lag(s.vector, 2) over conversation) as similarity_2
from scored s
window conversation as (partition by s.conversation_id order by s.created_at, s.id)
