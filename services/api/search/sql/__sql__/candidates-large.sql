with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  with common as materialized (select true as is_true),
  near as ((
      select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000040000'::uuid and true
      and (
        select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
        and set_config('hnsw.max_scan_tuples', '2300', true) is not null) and (select is_true from common)
      order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
      select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and true
      and (
        select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
        and set_config('hnsw.max_scan_tuples', '2300', true) is not null) and (select is_true from common)
      order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
      select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and true and (select is_true from common)) union all (
      select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and true and (select is_true from common))),
  best as (
    select message_id as id, min(distance) as distance from near group by message_id
    order by 2, 1 limit 60
  )
  select id, distance from (
    select id, distance from best where (select count(*) from best) >= 60
    union all
    (
      select message_id as id, min(distance) as distance from (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and (select count(*) from best) < 60 and true
        offset 0
      ) matching
      group by message_id
      order by 2, 1 limit 60)
  ) chosen
  order by distance, id),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $2::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $3::text[] and m.search_vector @@ $4::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $5::text[] and m.search_vector @@ $6::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $7::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $8::text[] and m.search_vector @@ $9::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $10::text[] and m.search_vector @@ $11::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $12::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $13::text[] and m.search_vector @@ $14::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $15::text[] and m.search_vector @@ $16::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and true) and true
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $17::tsquery
      when true then $18::float8 / (1 + ($19::float8 + $20::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $21::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $22::tsquery
      when true then $23::float8 / (1 + ($24::float8 + $25::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $26::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $27::tsquery
      when true then $28::float8 / (1 + ($29::float8 + $30::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $31::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $32::tsquery
      when true then $33::float8 / (1 + ($34::float8 + $35::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $36::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
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
    where (e.tenant_id = (select $37::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $38::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $39::tsquery
      when true then $40::float8 / (1 + ($41::float8 + $42::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $43::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $44::tsquery
      when true then $45::float8 / (1 + ($46::float8 + $47::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $48::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $49::tsquery
      when true then $50::float8 / (1 + ($51::float8 + $52::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $53::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $54::tsquery
      when true then $55::float8 / (1 + ($56::float8 + $57::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $58::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
