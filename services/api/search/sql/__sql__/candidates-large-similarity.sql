with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (
  select count(*) >= 1 as is_true from "message_p3" m
  where m.tenant_id = 'acme' and m.id = any($2::uuid[])
  and true and exists (
    select from embedding s
    where s.tenant_id = $3 and s.message_id = m.id and s.generation = $4
    and 1 - (s.vector <=> $5::halfvec) >= $6) and (true and (m.metadata <> '{}' and m.metadata @> $7::jsonb) and ("m"."search_vector" @@ $8::tsquery and not "m"."search_vector" @@ $9::tsquery))),
eligible as materialized (
  select e.message_id as id from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and true and (m.metadata <> '{}' and m.metadata @> $10::jsonb) and ("m"."search_vector" @@ $11::tsquery and not "m"."search_vector" @@ $12::tsquery)
  where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now())
  and true and 1 - (e.vector <=> $13::halfvec) >= $14
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
        and true and 1 - (e.vector <=> $15::halfvec) >= $16
        offset 0
      ) e where (select is_true from filter_is_selective)
      offset 0
    ) found group by id order by 2, 1 limit 60)
  union all
  (
    with common as materialized (select not (select is_true from filter_is_selective) as is_true),
    near as ((
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000040000'::uuid and coalesce((true and 1 - (e.vector <=> $17::halfvec) >= $18), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $19::jsonb) and ("m"."search_vector" @@ $20::tsquery and not "m"."search_vector" @@ $21::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and coalesce((true and 1 - (e.vector <=> $22::halfvec) >= $23), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $24::jsonb) and ("m"."search_vector" @@ $25::tsquery and not "m"."search_vector" @@ $26::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and coalesce((true and 1 - (e.vector <=> $27::halfvec) >= $28), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $29::jsonb) and ("m"."search_vector" @@ $30::tsquery and not "m"."search_vector" @@ $31::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common)) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and coalesce((true and 1 - (e.vector <=> $32::halfvec) >= $33), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $34::jsonb) and ("m"."search_vector" @@ $35::tsquery and not "m"."search_vector" @@ $36::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common))),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit 60
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= 60
      union all
      (
        select message_id as id, min(distance) as distance from (
          select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and (true and (m.metadata <> '{}' and m.metadata @> $37::jsonb) and ("m"."search_vector" @@ $38::tsquery and not "m"."search_vector" @@ $39::tsquery))
          where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and 1 - (e.vector <=> $40::halfvec) >= $41 and (select count(*) from best) < 60 and not (select is_true from filter_is_selective)
          offset 0
        ) matching
        group by message_id
        order by 2, 1 limit 60)
    ) chosen
    order by distance, id)),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $42::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $43::text[] and m.search_vector @@ $44::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $45::text[] and m.search_vector @@ $46::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $47 and s.message_id = m.id and s.generation = $48
        and 1 - (s.vector <=> $49::halfvec) >= $50) and true and (m.metadata <> '{}' and m.metadata @> $51::jsonb) and ("m"."search_vector" @@ $52::tsquery and not "m"."search_vector" @@ $53::tsquery)) and ("m"."search_vector" @@ $54::tsquery and not "m"."search_vector" @@ $55::tsquery)
    and not (select by_words from filter_is_selective) ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $56::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $57::text[] and m.search_vector @@ $58::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $59::text[] and m.search_vector @@ $60::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $61 and s.message_id = m.id and s.generation = $62
        and 1 - (s.vector <=> $63::halfvec) >= $64) and true and (m.metadata <> '{}' and m.metadata @> $65::jsonb) and ("m"."search_vector" @@ $66::tsquery and not "m"."search_vector" @@ $67::tsquery)) and ("m"."search_vector" @@ $68::tsquery and not "m"."search_vector" @@ $69::tsquery)
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $70::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $71::text[] and m.search_vector @@ $72::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $73::text[] and m.search_vector @@ $74::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $75 and s.message_id = m.id and s.generation = $76
        and 1 - (s.vector <=> $77::halfvec) >= $78) and true and (m.metadata <> '{}' and m.metadata @> $79::jsonb) and ("m"."search_vector" @@ $80::tsquery and not "m"."search_vector" @@ $81::tsquery)) and ("m"."search_vector" @@ $82::tsquery and not "m"."search_vector" @@ $83::tsquery)
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, (coalesce(case "found"."search_vector" @@ $84::tsquery
      when true then $85::float8 / (1 + (0.54::float8 + $86::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $87::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $88::tsquery
      when true then $89::float8 / (1 + (0.54::float8 + $90::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $91::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $92::tsquery
      when true then $93::float8 / (1 + (0.54::float8 + $94::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $95::tsquery)) - 0.5::float8)) when false then 0 end, 0) + coalesce(case "found"."search_vector" @@ $96::tsquery
      when true then $97::float8 / (1 + (0.54::float8 + $98::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $99::tsquery)) - 0.5::float8)) when false then 0 end, 0)) as lexical_score from (
    select id, case when pg_column_size("stored"."search_vector") > 1900 then "stored"."search_vector" || ''::tsvector else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2"  union all
      select m.id, m.search_vector from (select distinct id from eligible) few cross join lateral (
        select m.id, m.search_vector from "message_p3" m
        where m.tenant_id = 'acme' and m.id = few.id and m.search_vector @@ $100::tsquery offset 0
      ) m where (select by_words from filter_is_selective)) stored offset 0
  ) found
  order by lexical_score desc, id limit 60),
pool as (
  select id, min(distance) as distance
  from (select id, distance from by_vector union all select id, null from by_words) found group by id
)
select m.id, concat_ws(',', (case "indexed"."search_vector" @@ $101::tsquery
    when true then $102::float8 / (1 + (0.54::float8 + $103::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $104::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $105::tsquery
    when true then $106::float8 / (1 + (0.54::float8 + $107::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $108::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $109::tsquery
    when true then $110::float8 / (1 + (0.54::float8 + $111::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $112::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $113::tsquery
    when true then $114::float8 / (1 + (0.54::float8 + $115::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $116::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
length(indexed.search_vector) as word_count,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = 'acme' and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool join "message_p3" m on m.tenant_id = 'acme' and m.id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now())
cross join lateral (select case when pg_column_size("m"."search_vector") > 1900 then "m"."search_vector" || ''::tsvector else "m"."search_vector" end as search_vector offset 0) indexed
