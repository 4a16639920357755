with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  select message_id as id, min(distance) as distance from (
    select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = (select $2::text) and m.id = e.message_id and ((m.search_vector @@ $3::tsquery and (m.search_vector @@ $4::tsquery or (m.search_passages is not null and not exists (
              select from unnest($5::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $6::tsquery))
    where e.tenant_id = (select $7::text) and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and true
    offset 0
  ) matching
  group by message_id
  order by 2, 1 limit 60),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $8::text) and $9::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $10::text[] and m.search_vector @@ $11::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $12::text[] and m.search_vector @@ $13::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.search_vector @@ $14::tsquery and (m.search_vector @@ $15::tsquery or (m.search_passages is not null and not exists (
              select from unnest($16::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $17::tsquery)) and (m.search_vector @@ $18::tsquery and (m.search_vector @@ $19::tsquery or (m.search_passages is not null and not exists (
            select from unnest($20::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $21::tsquery)
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $22::text) and $23::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $24::text[] and m.search_vector @@ $25::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $26::text[] and m.search_vector @@ $27::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.search_vector @@ $28::tsquery and (m.search_vector @@ $29::tsquery or (m.search_passages is not null and not exists (
              select from unnest($30::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $31::tsquery)) and (m.search_vector @@ $32::tsquery and (m.search_vector @@ $33::tsquery or (m.search_passages is not null and not exists (
            select from unnest($34::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $35::tsquery)
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = (select $36::text) and $37::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $38::text[] and m.search_vector @@ $39::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $40::text[] and m.search_vector @@ $41::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.search_vector @@ $42::tsquery and (m.search_vector @@ $43::tsquery or (m.search_passages is not null and not exists (
              select from unnest($44::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $45::tsquery)) and (m.search_vector @@ $46::tsquery and (m.search_vector @@ $47::tsquery or (m.search_passages is not null and not exists (
            select from unnest($48::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $49::tsquery)
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $50::tsquery
      when true then $51::float8 / (1 + ($52::float8 + $53::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $54::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $55::tsquery
      when true then $56::float8 / (1 + ($57::float8 + $58::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $59::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $60::tsquery
      when true then $61::float8 / (1 + ($62::float8 + $63::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $64::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $65::tsquery
      when true then $66::float8 / (1 + ($67::float8 + $68::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $69::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
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
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = (select $70::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $71::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $72::tsquery
      when true then $73::float8 / (1 + ($74::float8 + $75::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $76::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $77::tsquery
      when true then $78::float8 / (1 + ($79::float8 + $80::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $81::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $82::tsquery
      when true then $83::float8 / (1 + ($84::float8 + $85::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $86::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $87::tsquery
      when true then $88::float8 / (1 + ($89::float8 + $90::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $91::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
