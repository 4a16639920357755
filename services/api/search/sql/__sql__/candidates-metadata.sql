with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  select message_id as id, min(distance) as distance from (
    select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = $2 and m.id = e.message_id and (true and (m.metadata <> '{}' and m.metadata @> $3::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $4::text[]) = any($5::jsonb[]) or (jsonb_typeof((m.metadata #> $6::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $7::text[])) item (value) where item.value = any($8::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $9::jsonpath, $10::jsonb, true), false))))
    where e.tenant_id = $11 and e.generation = 1 and true and true
    offset 0
  ) matching
  group by message_id
  order by 2, 1 limit 60),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $12 and $13::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $14::text[] and m.search_vector @@ $15::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $16::text[] and m.search_vector @@ $17::tsquery)) and (true and true and (m.metadata <> '{}' and m.metadata @> $18::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $19::text[]) = any($20::jsonb[]) or (jsonb_typeof((m.metadata #> $21::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $22::text[])) item (value) where item.value = any($23::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $24::jsonpath, $25::jsonb, true), false))) and true) and true
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $26 and $27::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $28::text[] and m.search_vector @@ $29::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $30::text[] and m.search_vector @@ $31::tsquery)) and (true and true and (m.metadata <> '{}' and m.metadata @> $32::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $33::text[]) = any($34::jsonb[]) or (jsonb_typeof((m.metadata #> $35::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $36::text[])) item (value) where item.value = any($37::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $38::jsonpath, $39::jsonb, true), false))) and true) and true
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = $40 and $41::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $42::text[] and m.search_vector @@ $43::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $44::text[] and m.search_vector @@ $45::tsquery)) and (true and true and (m.metadata <> '{}' and m.metadata @> $46::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $47::text[]) = any($48::jsonb[]) or (jsonb_typeof((m.metadata #> $49::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $50::text[])) item (value) where item.value = any($51::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $52::jsonpath, $53::jsonb, true), false))) and true) and true
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, (coalesce(case "found"."search_vector" @@ $54::tsquery
      when true then $55::float8 / (1 + (0.54::float8 + $56::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $57::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $58::tsquery
      when true then $59::float8 / (1 + (0.54::float8 + $60::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $61::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $62::tsquery
      when true then $63::float8 / (1 + (0.54::float8 + $64::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $65::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $66::tsquery
      when true then $67::float8 / (1 + (0.54::float8 + $68::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $69::tsquery)) - 0.5::float8)) when false then 0 end, 0)) as lexical_score from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2" ) found
  order by lexical_score desc, id limit 60),
pool as (
  select id, min(distance) as distance
  from (select id, distance from by_vector union all select id, null from by_words) found group by id
)
select m.id, concat_ws(',', (case "m"."search_vector" @@ $70::tsquery
    when true then $71::float8 / (1 + (0.54::float8 + $72::float8 * length("m"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("m"."search_vector", $73::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "m"."search_vector" @@ $74::tsquery
    when true then $75::float8 / (1 + (0.54::float8 + $76::float8 * length("m"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("m"."search_vector", $77::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "m"."search_vector" @@ $78::tsquery
    when true then $79::float8 / (1 + (0.54::float8 + $80::float8 * length("m"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("m"."search_vector", $81::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "m"."search_vector" @@ $82::tsquery
    when true then $83::float8 / (1 + (0.54::float8 + $84::float8 * length("m"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("m"."search_vector", $85::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores, length(m.search_vector) as word_count,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = $86 and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool join "message_p3" m on m.tenant_id = $87 and m.id = pool.id
