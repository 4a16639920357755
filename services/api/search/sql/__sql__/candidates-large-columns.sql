with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  with common as materialized (
    select count(*) >= 1 as is_true from "message_p3" m
    where m.tenant_id = 'acme' and m.id = any($2::uuid[])
    and true and "m"."conversation_id" = any($3::text[]) and "m"."role" = any($4::text[]) and "m"."created_at" >= $5 and "m"."created_at" < $6 and "m"."importance" >= $7 and "m"."importance" <= $8 and "m"."id" <= $9::uuid and true),
  near as ((
      select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000040000'::uuid and coalesce((true and "e"."conversation_id" = any($10::text[]) and "e"."role" = any($11::text[]) and "e"."created_at" >= $12 and "e"."created_at" < $13 and "e"."importance" >= $14 and "e"."importance" <= $15 and "e"."message_id" <= $16::uuid), false)
      and (
        select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
        and set_config('hnsw.max_scan_tuples', '2300', true) is not null) and (select is_true from common)
      order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
      select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and coalesce((true and "e"."conversation_id" = any($17::text[]) and "e"."role" = any($18::text[]) and "e"."created_at" >= $19 and "e"."created_at" < $20 and "e"."importance" >= $21 and "e"."importance" <= $22 and "e"."message_id" <= $23::uuid), false)
      and (
        select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
        and set_config('hnsw.max_scan_tuples', '2300', true) is not null) and (select is_true from common)
      order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
      select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and coalesce((true and "e"."conversation_id" = any($24::text[]) and "e"."role" = any($25::text[]) and "e"."created_at" >= $26 and "e"."created_at" < $27 and "e"."importance" >= $28 and "e"."importance" <= $29 and "e"."message_id" <= $30::uuid), false) and (select is_true from common)) union all (
      select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
      where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and coalesce((true and "e"."conversation_id" = any($31::text[]) and "e"."role" = any($32::text[]) and "e"."created_at" >= $33 and "e"."created_at" < $34 and "e"."importance" >= $35 and "e"."importance" <= $36 and "e"."message_id" <= $37::uuid), false) and (select is_true from common))),
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
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and "e"."conversation_id" = any($38::text[]) and "e"."role" = any($39::text[]) and "e"."created_at" >= $40 and "e"."created_at" < $41 and "e"."importance" >= $42 and "e"."importance" <= $43 and "e"."message_id" <= $44::uuid and (select count(*) from best) < 60 and true
        offset 0
      ) matching
      group by message_id
      order by 2, 1 limit 60)
  ) chosen
  order by distance, id),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $45::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $46::text[] and m.search_vector @@ $47::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $48::text[] and m.search_vector @@ $49::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and "m"."conversation_id" = any($50::text[]) and "m"."role" = any($51::text[]) and "m"."created_at" >= $52 and "m"."created_at" < $53 and "m"."importance" >= $54 and "m"."importance" <= $55 and "m"."id" <= $56::uuid and true and true) and true
  ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $57::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $58::text[] and m.search_vector @@ $59::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $60::text[] and m.search_vector @@ $61::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and "m"."conversation_id" = any($62::text[]) and "m"."role" = any($63::text[]) and "m"."created_at" >= $64 and "m"."created_at" < $65 and "m"."importance" >= $66 and "m"."importance" <= $67 and "m"."id" <= $68::uuid and true and true) and true
    and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $69::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $70::text[] and m.search_vector @@ $71::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $72::text[] and m.search_vector @@ $73::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and "m"."conversation_id" = any($74::text[]) and "m"."role" = any($75::text[]) and "m"."created_at" >= $76 and "m"."created_at" < $77 and "m"."importance" >= $78 and "m"."importance" <= $79 and "m"."id" <= $80::uuid and true and true) and true
    and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $81::tsquery
      when true then $82::float8 / (1 + ($83::float8 + $84::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $85::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $86::tsquery
      when true then $87::float8 / (1 + ($88::float8 + $89::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $90::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $91::tsquery
      when true then $92::float8 / (1 + ($93::float8 + $94::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $95::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $96::tsquery
      when true then $97::float8 / (1 + ($98::float8 + $99::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $100::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
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
    where (e.tenant_id = (select $101::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $102::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $103::tsquery
      when true then $104::float8 / (1 + ($105::float8 + $106::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $107::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $108::tsquery
      when true then $109::float8 / (1 + ($110::float8 + $111::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $112::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $113::tsquery
      when true then $114::float8 / (1 + ($115::float8 + $116::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $117::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $118::tsquery
      when true then $119::float8 / (1 + ($120::float8 + $121::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $122::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
