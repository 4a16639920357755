with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (select false as is_true),
eligible as materialized (
  select m.id from "message_p3" m where m.tenant_id = (select $2::text) and ("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and m.metadata @> $3::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $4::text[]) = any($5::jsonb[]) or (jsonb_typeof((m.metadata #> $6::text[])) = 'array'
          and exists (select from jsonb_array_elements((m.metadata #> $7::text[])) item (value) where item.value = any($8::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $9::jsonpath, $10::jsonb, true), false)))
  and true
  and not (select is_true from filter_is_common)
  limit 5001
),
filter_is_selective as materialized (
  select found <= 5000 as is_true, found <= 5000 as by_words from (
    select case when (select is_true from filter_is_common) then 5001 else (select count(*) from eligible) end as found
  ) counted
),
by_vector as materialized (
  (select id, min(distance) as distance from (
      select few.id, e.distance from (select distinct id from eligible) few cross join lateral (
        select e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = (select $11::text) and e.message_id = few.id and e.generation + 0 = 1
        and true
        offset 0
      ) e where (select is_true from filter_is_selective)
      offset 0
    ) found group by id order by 2, 1 limit 60)
  union all
  (
    select message_id as id, min(distance) as distance from (
      select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = (select $12::text) and m.id = e.message_id and (true and (m.metadata <> '{}' and m.metadata @> $13::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $14::text[]) = any($15::jsonb[]) or (jsonb_typeof((m.metadata #> $16::text[])) = 'array'
                and exists (select from jsonb_array_elements((m.metadata #> $17::text[])) item (value) where item.value = any($18::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $19::jsonpath, $20::jsonb, true), false))))
      where e.tenant_id = (select $21::text) and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and not (select is_true from filter_is_selective)
      offset 0
    ) matching
    group by message_id
    order by 2, 1 limit 60)),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $22::text) and $23::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $24::text[] and m.search_vector @@ $25::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $26::text[] and m.search_vector @@ $27::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and m.metadata @> $28::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $29::text[]) = any($30::jsonb[]) or (jsonb_typeof((m.metadata #> $31::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $32::text[])) item (value) where item.value = any($33::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $34::jsonpath, $35::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $36::text) and $37::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $38::text[] and m.search_vector @@ $39::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $40::text[] and m.search_vector @@ $41::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and m.metadata @> $42::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $43::text[]) = any($44::jsonb[]) or (jsonb_typeof((m.metadata #> $45::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $46::text[])) item (value) where item.value = any($47::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $48::jsonpath, $49::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $50::text) and $51::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $52::text[] and m.search_vector @@ $53::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $54::text[] and m.search_vector @@ $55::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and m.metadata @> $56::jsonb) and (m.metadata <> '{}' and (coalesce((m.metadata #> $57::text[]) = any($58::jsonb[]) or (jsonb_typeof((m.metadata #> $59::text[])) = 'array'
              and exists (select from jsonb_array_elements((m.metadata #> $60::text[])) item (value) where item.value = any($61::jsonb[]))), false) and coalesce(jsonb_path_exists(m.metadata, $62::jsonpath, $63::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $64::tsquery
      when true then $65::float8 / (1 + ($66::float8 + $67::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $68::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $69::tsquery
      when true then $70::float8 / (1 + ($71::float8 + $72::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $73::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $74::tsquery
      when true then $75::float8 / (1 + ($76::float8 + $77::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $78::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $79::tsquery
      when true then $80::float8 / (1 + ($81::float8 + $82::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $83::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
      from (
        select id, case when pg_column_size("stored"."search_vector") > 1900 then (array["stored"."search_vector"])[1] else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2"  union all
          select m.id, m.search_vector from (select distinct id from eligible) few cross join lateral (
            select m.id, m.search_vector from "message_p3" m
            where m.tenant_id = (select $84::text) and m.id = few.id and m.search_vector @@ $85::tsquery offset 0
          ) m where (select by_words from filter_is_selective)) stored offset 0
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
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = (select $86::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $87::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $88::tsquery
      when true then $89::float8 / (1 + ($90::float8 + $91::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $92::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $93::tsquery
      when true then $94::float8 / (1 + ($95::float8 + $96::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $97::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $98::tsquery
      when true then $99::float8 / (1 + ($100::float8 + $101::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $102::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $103::tsquery
      when true then $104::float8 / (1 + ($105::float8 + $106::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $107::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
