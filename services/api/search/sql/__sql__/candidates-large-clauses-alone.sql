with query as materialized (select $1::halfvec as vector),
filter_is_common as materialized (
  select count(*) >= 1 as is_true from "message_p3" m
  where m.tenant_id = 'acme' and m.id = any($2::uuid[])
  and true and (true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $3::jsonpath, $4::jsonb, true), false)) and (m.search_vector @@ $5::tsquery and (m.search_vector @@ $6::tsquery or (m.search_passages is not null and not exists (
            select from unnest($7::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $8::tsquery))),
eligible as materialized (
  select m.id from "message_p3" m where m.tenant_id = 'acme' and ("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $9::jsonpath, $10::jsonb, true), false))
  and (m.search_vector @@ $11::tsquery and (m.search_vector @@ $12::tsquery or (m.search_passages is not null and not exists (
          select from unnest($13::tsquery[]) wanted (query)
          where not m.search_vector @@ wanted.query
          and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $14::tsquery)
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
          (select ((true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $15::jsonpath, $16::jsonb, true), false)) and (m.search_vector @@ $17::tsquery and (m.search_vector @@ $18::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($19::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $20::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, (e.vector::halfvec(4)) <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000040000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000080000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $21::jsonpath, $22::jsonb, true), false)) and (m.search_vector @@ $23::tsquery and (m.search_vector @@ $24::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($25::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $26::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false)
        and (
          select set_config('hnsw.iterative_scan', 'relaxed_order', true) is not null and set_config('hnsw.ef_search', '150', true) is not null
          and set_config('hnsw.max_scan_tuples', '2800', true) is not null) and (select is_true from common)
        order by (e.vector::halfvec(4)) <=> (select vector from query) limit 130) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '00000000-0000-0000-0000-000000000000'::uuid and e.message_id <= '01900000-0000-7000-8000-000000000000'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $27::jsonpath, $28::jsonb, true), false)) and (m.search_vector @@ $29::tsquery and (m.search_vector @@ $30::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($31::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $32::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common)) union all (
        select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e
        where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and e.message_id > '01900000-0000-7000-8000-000000080000'::uuid and e.message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and true and coalesce(
          (select ((true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $33::jsonpath, $34::jsonb, true), false)) and (m.search_vector @@ $35::tsquery and (m.search_vector @@ $36::tsquery or (m.search_passages is not null and not exists (
                        select from unnest($37::tsquery[]) wanted (query)
                        where not m.search_vector @@ wanted.query
                        and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $38::tsquery))) from "message_p3" m where m.tenant_id = 'acme' and m.id = e.message_id), false) and (select is_true from common))),
    best as (
      select message_id as id, min(distance) as distance from near group by message_id
      order by 2, 1 limit 60
    )
    select id, distance from (
      select id, distance from best where (select count(*) from best) >= 60
      union all
      (
        select message_id as id, min(distance) as distance from (
          select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = 'acme' and m.id = e.message_id and (true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $39::jsonpath, $40::jsonb, true), false)) and (m.search_vector @@ $41::tsquery and (m.search_vector @@ $42::tsquery or (m.search_passages is not null and not exists (
                    select from unnest($43::tsquery[]) wanted (query)
                    where not m.search_vector @@ wanted.query
                    and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $44::tsquery))
          where e.tenant_id = 'acme' and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and (select count(*) from best) < 60 and not (select is_true from filter_is_selective)
          offset 0
        ) matching
        group by message_id
        order by 2, 1 limit 60)
    ) chosen
    order by distance, id)),
by_words as materialized (
  select id, 0::float8 as lexical_score, null::text as term_scores, null::int as word_count from (
    (select m.id, m.created_at from (select distinct id from eligible) few
      join "message_p3" m on m.tenant_id = 'acme' and m.id = few.id
      where (select by_words from filter_is_selective))
    union all
    (select m.id, m.created_at from "message_p3" m
      where m.tenant_id = 'acme' and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.metadata <> '{}' and coalesce(jsonb_path_exists(m.metadata, $45::jsonpath, $46::jsonb, true), false)) and (m.search_vector @@ $47::tsquery and (m.search_vector @@ $48::tsquery or (m.search_passages is not null and not exists (
                select from unnest($49::tsquery[]) wanted (query)
                where not m.search_vector @@ wanted.query
                and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $50::tsquery)) and (m.search_vector @@ $51::tsquery and (m.search_vector @@ $52::tsquery or (m.search_passages is not null and not exists (
              select from unnest($53::tsquery[]) wanted (query)
              where not m.search_vector @@ wanted.query
              and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $54::tsquery) and not (select by_words from filter_is_selective)
      order by m.created_at desc, m.id desc limit 60)
  ) found
  order by created_at desc, id desc limit 60),
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
    where (e.tenant_id = (select $55::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $56::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select '' as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
