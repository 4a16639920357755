with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (
  select count(*) >= 1 as is_true from "message_p3" m
  where m.tenant_id = 'acme' and m.id = any($2::uuid[])
  and true and (true and (m.metadata <> '{}' and coalesce((m.metadata #> $3::text[]) = any($4::jsonb[]) or (jsonb_typeof((m.metadata #> $5::text[])) = 'array'
          and exists (select from jsonb_array_elements((m.metadata #> $6::text[])) item (value) where item.value = any($7::jsonb[]))), false)))),
eligible as materialized (
  select m.id from (
    select distinct found.id from unnest($8::jsonb[]) wanted (document) cross join lateral (
      select f.id from "message_p3" f
      where f.tenant_id = 'acme' and f.metadata <> '{}' and f.metadata @> wanted.document offset 0
    ) found) listed cross join lateral (
    select m.id from "message_p3" m where m.id = listed.id and m.tenant_id = 'acme' and ("m"."expires_at" is null or "m"."expires_at" > now()) and true and true
    and true offset 0
  ) m where true
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
          (select ((true and (m.metadata <> '{}' and coalesce((m.metadata #> $9::text[]) = any($10::jsonb[]) or (jsonb_typeof((m.metadata #> $11::text[])) = 'array'
                      and exists (select from jsonb_array_elements((m.metadata #> $12::text[])) item (value) where item.value = any($13::jsonb[]))), false)))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce((m.metadata #> $14::text[]) = any($15::jsonb[]) or (jsonb_typeof((m.metadata #> $16::text[])) = 'array'
                      and exists (select from jsonb_array_elements((m.metadata #> $17::text[])) item (value) where item.value = any($18::jsonb[]))), false)))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce((m.metadata #> $19::text[]) = any($20::jsonb[]) or (jsonb_typeof((m.metadata #> $21::text[])) = 'array'
                      and exists (select from jsonb_array_elements((m.metadata #> $22::text[])) item (value) where item.value = any($23::jsonb[]))), false)))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common)) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce((m.metadata #> $24::text[]) = any($25::jsonb[]) or (jsonb_typeof((m.metadata #> $26::text[])) = 'array'
                      and exists (select from jsonb_array_elements((m.metadata #> $27::text[])) item (value) where item.value = any($28::jsonb[]))), false)))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common))),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit 60
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= 60
      union all
      (
        select message_id as id, min(distance) as distance from (
          select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and (true and (m.metadata <> '{}' and coalesce((m.metadata #> $29::text[]) = any($30::jsonb[]) or (jsonb_typeof((m.metadata #> $31::text[])) = 'array'
                  and exists (select from jsonb_array_elements((m.metadata #> $32::text[])) item (value) where item.value = any($33::jsonb[]))), false)))
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
    where m.tenant_id = 'acme' and $34::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $35::text[] and m.search_vector @@ $36::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $37::text[] and m.search_vector @@ $38::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and coalesce((m.metadata #> $39::text[]) = any($40::jsonb[]) or (jsonb_typeof((m.metadata #> $41::text[])) = 'array'
            and exists (select from jsonb_array_elements((m.metadata #> $42::text[])) item (value) where item.value = any($43::jsonb[]))), false)) and true) and true
    and not (select by_words from filter_is_selective) ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $44::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $45::text[] and m.search_vector @@ $46::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $47::text[] and m.search_vector @@ $48::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and coalesce((m.metadata #> $49::text[]) = any($50::jsonb[]) or (jsonb_typeof((m.metadata #> $51::text[])) = 'array'
            and exists (select from jsonb_array_elements((m.metadata #> $52::text[])) item (value) where item.value = any($53::jsonb[]))), false)) and true) and true
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $54::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $55::text[] and m.search_vector @@ $56::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $57::text[] and m.search_vector @@ $58::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and coalesce((m.metadata #> $59::text[]) = any($60::jsonb[]) or (jsonb_typeof((m.metadata #> $61::text[])) = 'array'
            and exists (select from jsonb_array_elements((m.metadata #> $62::text[])) item (value) where item.value = any($63::jsonb[]))), false)) and true) and true
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
            where m.tenant_id = 'acme' and m.id = few.id and m.search_vector @@ $84::tsquery offset 0
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
    where (e.tenant_id = (select $85::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $86::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $87::tsquery
      when true then $88::float8 / (1 + ($89::float8 + $90::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $91::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $92::tsquery
      when true then $93::float8 / (1 + ($94::float8 + $95::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $96::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $97::tsquery
      when true then $98::float8 / (1 + ($99::float8 + $100::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $101::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $102::tsquery
      when true then $103::float8 / (1 + ($104::float8 + $105::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $106::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
