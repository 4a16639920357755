with query as materialized (select $1::halfvec as vector),
by_vector as materialized (select null::uuid as id, null::float8 as distance where false),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $2::text) and $3::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $4::text[] and m.search_vector @@ $5::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $6::text[] and m.search_vector @@ $7::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $8::text) and $9::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $10::text[] and m.search_vector @@ $11::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $12::text[] and m.search_vector @@ $13::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $14::text) and $15::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $16::text[] and m.search_vector @@ $17::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $18::text[] and m.search_vector @@ $19::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $20::tsquery
      when true then $21::float8 / (1 + ($22::float8 + $23::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $24::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $25::tsquery
      when true then $26::float8 / (1 + ($27::float8 + $28::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $29::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $30::tsquery
      when true then $31::float8 / (1 + ($32::float8 + $33::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $34::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $35::tsquery
      when true then $36::float8 / (1 + ($37::float8 + $38::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $39::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
      from (
        select id, case when pg_column_size("stored"."search_vector") > 1900 then (array["stored"."search_vector"])[1] else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2" ) stored offset 0
      ) found offset 0
    ) scored
    order by lexical_score desc, id limit 60
  ) best
  order by lexical_score desc, id),
pool as (
  select id, min(distance) as distance, max(term_scores) as term_scores, max(word_count) as word_count
  from (
    select id, distance, null::text as term_scores, null::int as word_count from by_vector
    union all select id, null, term_scores, word_count from by_words
  ) found group by id
)
select m.id, coalesce(pool.term_scores, unscored.term_scores) as term_scores,
coalesce(pool.word_count, unscored.word_count) as word_count, m.conversation_id, m.role, case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance,
(extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, null::float8) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $40::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $41::tsquery
      when true then $42::float8 / (1 + ($43::float8 + $44::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $45::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $46::tsquery
      when true then $47::float8 / (1 + ($48::float8 + $49::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $50::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $51::tsquery
      when true then $52::float8 / (1 + ($53::float8 + $54::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $55::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $56::tsquery
      when true then $57::float8 / (1 + ($58::float8 + $59::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $60::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
