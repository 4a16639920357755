with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  select message_id as id, min(distance) as distance from (
    select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = $2 and m.id = e.message_id and (("m"."search_vector" @@ $3::tsquery and not "m"."search_vector" @@ $4::tsquery))
    where e.tenant_id = $5 and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and true
    offset 0
  ) matching
  group by message_id
  order by 2, 1 limit 60),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $6 and $7::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $8::text[] and m.search_vector @@ $9::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $10::text[] and m.search_vector @@ $11::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and ("m"."search_vector" @@ $12::tsquery and not "m"."search_vector" @@ $13::tsquery)) and ("m"."search_vector" @@ $14::tsquery and not "m"."search_vector" @@ $15::tsquery)
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $16 and $17::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $18::text[] and m.search_vector @@ $19::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $20::text[] and m.search_vector @@ $21::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and ("m"."search_vector" @@ $22::tsquery and not "m"."search_vector" @@ $23::tsquery)) and ("m"."search_vector" @@ $24::tsquery and not "m"."search_vector" @@ $25::tsquery)
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $26 and $27::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $28::text[] and m.search_vector @@ $29::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $30::text[] and m.search_vector @@ $31::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and ("m"."search_vector" @@ $32::tsquery and not "m"."search_vector" @@ $33::tsquery)) and ("m"."search_vector" @@ $34::tsquery and not "m"."search_vector" @@ $35::tsquery)
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, (coalesce(case "found"."search_vector" @@ $36::tsquery
      when true then $37::float8 / (1 + (0.54::float8 + $38::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $39::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $40::tsquery
      when true then $41::float8 / (1 + (0.54::float8 + $42::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $43::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $44::tsquery
      when true then $45::float8 / (1 + (0.54::float8 + $46::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $47::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $48::tsquery
      when true then $49::float8 / (1 + (0.54::float8 + $50::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $51::tsquery)) - 0.5::float8)) when false then 0 end, 0)) as lexical_score from (
    select id, case when pg_column_size("stored"."search_vector") > 1900 then "stored"."search_vector" || ''::tsvector else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2" ) stored offset 0
  ) found
  order by lexical_score desc, id limit 60),
pool as (
  select id, min(distance) as distance
  from (select id, distance from by_vector union all select id, null from by_words) found group by id
)
select m.id, concat_ws(',', (case "indexed"."search_vector" @@ $52::tsquery
    when true then $53::float8 / (1 + (0.54::float8 + $54::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $55::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $56::tsquery
    when true then $57::float8 / (1 + (0.54::float8 + $58::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $59::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $60::tsquery
    when true then $61::float8 / (1 + (0.54::float8 + $62::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $63::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $64::tsquery
    when true then $65::float8 / (1 + (0.54::float8 + $66::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $67::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
length(indexed.search_vector) as word_count,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = $68 and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool join "message_p3" m on m.tenant_id = $69 and m.id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now())
cross join lateral (select case when pg_column_size("m"."search_vector") > 1900 then "m"."search_vector" || ''::tsvector else "m"."search_vector" end as search_vector offset 0) indexed
