with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (
  select count(*) >= 1 as is_true from "message_p3" m
  where m.tenant_id = 'acme' and m.id = any($2::uuid[])
  and true and exists (
    select from embedding s
    where s.tenant_id = $3 and s.message_id = m.id and s.generation = $4
    and 1 - (s.vector <=> $5::halfvec) >= $6) and (true and (m.metadata <> '{}' and m.metadata @> $7::jsonb) and (m.search_vector @@ $8::tsquery and (m.search_vector @@ $9::tsquery or (m.search_passages is not null and not exists (
            select from unnest($10::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $11::tsquery))),
eligible as materialized (
  select e.message_id as id from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and true and (m.metadata <> '{}' and m.metadata @> $12::jsonb) and (m.search_vector @@ $13::tsquery and (m.search_vector @@ $14::tsquery or (m.search_passages is not null and not exists (
          select from unnest($15::tsquery[]) wanted (query)
          where not m.search_vector @@ wanted.query
          and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $16::tsquery)
  where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now())
  and true and 1 - (e.vector <=> $17::halfvec) >= $18
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
        and true and 1 - (e.vector <=> $19::halfvec) >= $20
        offset 0
      ) e where (select is_true from filter_is_selective)
      offset 0
    ) found group by id order by 2, 1 limit 60)
  union all
  (
    with common as materialized (select not (select is_true from filter_is_selective) as is_true),
    near as ((
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000040000'::uuid and coalesce((true and 1 - (e.vector <=> $21::halfvec) >= $22), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $23::jsonb) and (m.search_vector @@ $24::tsquery and (m.search_vector @@ $25::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($26::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $27::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and coalesce((true and 1 - (e.vector <=> $28::halfvec) >= $29), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $30::jsonb) and (m.search_vector @@ $31::tsquery and (m.search_vector @@ $32::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($33::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $34::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and coalesce((true and 1 - (e.vector <=> $35::halfvec) >= $36), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $37::jsonb) and (m.search_vector @@ $38::tsquery and (m.search_vector @@ $39::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($40::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $41::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common)) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and coalesce((true and 1 - (e.vector <=> $42::halfvec) >= $43), false) and coalesce(
          (select ((true and (m.metadata <> '{}' and m.metadata @> $44::jsonb) and (m.search_vector @@ $45::tsquery and (m.search_vector @@ $46::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($47::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $48::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common))),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit 60
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= 60
      union all
      (
        select message_id as id, min(distance) as distance from (
          select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and (true and (m.metadata <> '{}' and m.metadata @> $49::jsonb) and (m.search_vector @@ $50::tsquery and (m.search_vector @@ $51::tsquery or (m.search_passages is not null and not exists (
                    select from unnest($52::tsquery[]) wanted (query)
                    where not m.search_vector @@ wanted.query
                    and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $53::tsquery))
          where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and 1 - (e.vector <=> $54::halfvec) >= $55 and (select count(*) from best) < 60 and not (select is_true from filter_is_selective)
          offset 0
        ) matching
        group by message_id
        order by 2, 1 limit 60)
    ) chosen
    order by distance, id)),
by_words as materialized (
  with "step_0" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $56::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $57::text[] and m.search_vector @@ $58::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $59::text[] and m.search_vector @@ $60::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $61 and s.message_id = m.id and s.generation = $62
        and 1 - (s.vector <=> $63::halfvec) >= $64) and true and (m.metadata <> '{}' and m.metadata @> $65::jsonb) and (m.search_vector @@ $66::tsquery and (m.search_vector @@ $67::tsquery or (m.search_passages is not null and not exists (
              select from unnest($68::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $69::tsquery)) and (m.search_vector @@ $70::tsquery and (m.search_vector @@ $71::tsquery or (m.search_passages is not null and not exists (
            select from unnest($72::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $73::tsquery)
    and not (select by_words from filter_is_selective) ), "step_1" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $74::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $75::text[] and m.search_vector @@ $76::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $77::text[] and m.search_vector @@ $78::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $79 and s.message_id = m.id and s.generation = $80
        and 1 - (s.vector <=> $81::halfvec) >= $82) and true and (m.metadata <> '{}' and m.metadata @> $83::jsonb) and (m.search_vector @@ $84::tsquery and (m.search_vector @@ $85::tsquery or (m.search_passages is not null and not exists (
              select from unnest($86::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $87::tsquery)) and (m.search_vector @@ $88::tsquery and (m.search_vector @@ $89::tsquery or (m.search_passages is not null and not exists (
            select from unnest($90::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $91::tsquery)
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60), "step_2" as materialized (
    select m.id, m.search_vector from "message_p3" m
    where m.tenant_id = 'acme' and $92::tsquery is not null
    and ((message_scope(m.tenant_id, m.search_vector) && $93::text[] and m.search_vector @@ $94::tsquery)
      or (message_scope(m.tenant_id, m.search_vector) @> $95::text[] and m.search_vector @@ $96::tsquery)) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and exists (
        select from embedding s
        where s.tenant_id = $97 and s.message_id = m.id and s.generation = $98
        and 1 - (s.vector <=> $99::halfvec) >= $100) and true and (m.metadata <> '{}' and m.metadata @> $101::jsonb) and (m.search_vector @@ $102::tsquery and (m.search_vector @@ $103::tsquery or (m.search_passages is not null and not exists (
              select from unnest($104::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $105::tsquery)) and (m.search_vector @@ $106::tsquery and (m.search_vector @@ $107::tsquery or (m.search_passages is not null and not exists (
            select from unnest($108::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $109::tsquery)
    and not (select by_words from filter_is_selective) and (select count(*) from "step_0") < 60 and (select count(*) from "step_1") < 60)
  select id, lexical_score, concat_ws(',', "part_0"::float4, "part_1"::float4, "part_2"::float4, "part_3"::float4) as term_scores,
  word_count
  from (
    select scored.*, (coalesce("part_0", 0) + coalesce("part_1", 0) + coalesce("part_2", 0) + coalesce("part_3", 0)) as lexical_score from (
      select id, length(search_vector) as word_count,
      case "found"."search_vector" @@ $110::tsquery
      when true then $111::float8 / (1 + ($112::float8 + $113::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $114::tsquery)) - 0.5::float8)) when false then 0 end as "part_0", case "found"."search_vector" @@ $115::tsquery
      when true then $116::float8 / (1 + ($117::float8 + $118::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $119::tsquery)) - 0.5::float8)) when false then 0 end as "part_1", case "found"."search_vector" @@ $120::tsquery
      when true then $121::float8 / (1 + ($122::float8 + $123::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $124::tsquery)) - 0.5::float8)) when false then 0 end as "part_2", case "found"."search_vector" @@ $125::tsquery
      when true then $126::float8 / (1 + ($127::float8 + $128::float8 * length("found"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("found"."search_vector", $129::tsquery)) - 0.5::float8)) when false then 0 end as "part_3"
      from (
        select id, case when pg_column_size("stored"."search_vector") > 1900 then (array["stored"."search_vector"])[1] else "stored"."search_vector" end as search_vector from (select * from "step_0" where not exists (select from "step_1") union all select * from "step_1" where not exists (select from "step_2") union all select * from "step_2"  union all
          select m.id, m.search_vector from (select distinct id from eligible) few cross join lateral (
            select m.id, m.search_vector from "message_p3" m
            where m.tenant_id = 'acme' and m.id = few.id and m.search_vector @@ $130::tsquery offset 0
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
    where (e.tenant_id = (select $131::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $132::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select concat_ws(',', (case "indexed"."search_vector" @@ $133::tsquery
      when true then $134::float8 / (1 + ($135::float8 + $136::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $137::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $138::tsquery
      when true then $139::float8 / (1 + ($140::float8 + $141::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $142::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $143::tsquery
      when true then $144::float8 / (1 + ($145::float8 + $146::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $147::tsquery)) - 0.5::float8)) when false then 0 end)::float4, (case "indexed"."search_vector" @@ $148::tsquery
      when true then $149::float8 / (1 + ($150::float8 + $151::float8 * length("indexed"."search_vector")) / round(1 / (1.6449340668482264::float8 - 16.4493406685::float8 * ts_rank("indexed"."search_vector", $152::tsquery)) - 0.5::float8)) when false then 0 end)::float4) as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
