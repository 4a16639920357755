with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (
  select count(*) >= 1 as is_true from "message_p3" m
  where m.tenant_id = 'acme' and m.id = any($2::uuid[])
  and true and (true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $3::jsonpath, $4::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $5::jsonpath, $6::jsonb, true), false))))),
eligible as materialized (
  select m.id from "message_p3" m where m.tenant_id = 'acme' and ("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $7::jsonpath, $8::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $9::jsonpath, $10::jsonb, true), false)))
  and true
  and not (select is_true from filter_is_common)
  limit 14897
),
filter_is_selective as materialized (
  select found <= 14896 as is_true, found <= 5000 as by_words from (
    select case when (select is_true from filter_is_common) then 14897 else (select count(*) from eligible) end as found
  ) counted
),
by_vector as materialized (
  (select id, min(distance) as distance from (
      select few.id, e.distance from (select distinct id from eligible) few cross join lateral (
        select e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.message_id = few.id and e.generation + 0 = 1
        and true
        offset 0
      ) e where (select is_true from filter_is_selective)
      offset 0
    ) found group by id order by 2, 1 limit 60)
  union all
  (
    with common as materialized (select not (select is_true from filter_is_selective) as is_true),
    near as ((
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000040000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $11::jsonpath, $12::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $13::jsonpath, $14::jsonb, true), false))))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $15::jsonpath, $16::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $17::jsonpath, $18::jsonb, true), false))))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $19::jsonpath, $20::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $21::jsonpath, $22::jsonb, true), false))))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common)) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $23::jsonpath, $24::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $25::jsonpath, $26::jsonb, true), false))))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common))),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit 60
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= 60
      union all
      (
        select message_id as id, min(distance) as distance from (
          select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and (true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $27::jsonpath, $28::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $29::jsonpath, $30::jsonb, true), false))))
          where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and (select count(*) from best) < 60 and not (select is_true from filter_is_selective)
          offset 0
        ) matching
        group by message_id
        order by 2, 1 limit 60)
    ) chosen
    order by distance, id)),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $31::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $32::text[] and m.search_vector @@ $33::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $34::text[] and m.search_vector @@ $35::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $36::jsonpath, $37::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $38::jsonpath, $39::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $40::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $41::text[] and m.search_vector @@ $42::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $43::text[] and m.search_vector @@ $44::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $45::jsonpath, $46::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $47::jsonpath, $48::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $49::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $50::text[] and m.search_vector @@ $51::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $52::text[] and m.search_vector @@ $53::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and (coalesce(jsonb_path_exists(m.metadata, $54::jsonpath, $55::jsonb, true), false) and coalesce(jsonb_path_exists(m.metadata, $56::jsonpath, $57::jsonb, true), false))) and true) and true
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $58::tsquery
      when true then $59::float8 / (1 + ($60::float8 + $61::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $62::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $63::tsquery
      when true then $64::float8 / (1 + ($65::float8 + $66::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $67::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $68::tsquery
      when true then $69::float8 / (1 + ($70::float8 + $71::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $72::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $73::tsquery
      when true then $74::float8 / (1 + ($75::float8 + $76::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $77::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
      from (
        select id, case when pg_column_size("stored"."search_vector") > 1900 then (array["stored"."search_vector"])[1] else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2"  union all
          select m.id, m.search_vector from (select distinct id from eligible) few cross join lateral (
            select m.id, m.search_vector from "message_p3" m
            where m.tenant_id = 'acme' and m.id = few.id and m.search_vector @@ $78::tsquery offset 0
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
    where (e.tenant_id = (select $79::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $80::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $81::tsquery
      when true then $82::float8 / (1 + ($83::float8 + $84::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $85::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $86::tsquery
      when true then $87::float8 / (1 + ($88::float8 + $89::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $90::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $91::tsquery
      when true then $92::float8 / (1 + ($93::float8 + $94::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $95::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $96::tsquery
      when true then $97::float8 / (1 + ($98::float8 + $99::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $100::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
