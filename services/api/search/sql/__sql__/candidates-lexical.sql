with query as materialized (select $1::halfvec as vector),
by_vector as materialized (select null::uuid as id, null::float8 as distance where false),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $2 and $3::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $4::text[] and m.search_vector @@ $5::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $6::text[] and m.search_vector @@ $7::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $8 and $9::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $10::text[] and m.search_vector @@ $11::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $12::text[] and m.search_vector @@ $13::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $14 and $15::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $16::text[] and m.search_vector @@ $17::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $18::text[] and m.search_vector @@ $19::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, (coalesce(case "found"."search_vector" @@ $20::tsquery
      when true then $21::float8 / (1 + (0.54::float8 + $22::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $23::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $24::tsquery
      when true then $25::float8 / (1 + (0.54::float8 + $26::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $27::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $28::tsquery
      when true then $29::float8 / (1 + (0.54::float8 + $30::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $31::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $32::tsquery
      when true then $33::float8 / (1 + (0.54::float8 + $34::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $35::tsquery)) - 0.5::float8)) when false then 0 end, 0)) as lexical_score from (
    select id, case when pg_column_size("stored"."search_vector") > 1900 then "stored"."search_vector" || ''::tsvector else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2" ) stored offset 0
  ) found
  order by lexical_score desc, id limit 60),
pool as (
  select id, min(distance) as distance
  from (select id, distance from by_vector union all select id, null from by_words) found group by id
)
select m.id, concat_ws(',', (case "indexed"."search_vector" @@ $36::tsquery
    when true then $37::float8 / (1 + (0.54::float8 + $38::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $39::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $40::tsquery
    when true then $41::float8 / (1 + (0.54::float8 + $42::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $43::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $44::tsquery
    when true then $45::float8 / (1 + (0.54::float8 + $46::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $47::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $48::tsquery
    when true then $49::float8 / (1 + (0.54::float8 + $50::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $51::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
length(indexed.search_vector) as word_count,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, null::float8) as vector_score
from pool join "message_p3" m on m.tenant_id = $52 and m.id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now())
cross join lateral (select case when pg_column_size("m"."search_vector") > 1900 then "m"."search_vector" || ''::tsvector else "m"."search_vector" end as search_vector offset 0) indexed
