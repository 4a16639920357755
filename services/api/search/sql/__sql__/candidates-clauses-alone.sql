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
  select m.id, 0::float8 as lexical_score, null::text as term_scores, null::int as word_count from "message_p3" m
  where m.tenant_id = (select $8::text) and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and (m.search_vector @@ $9::tsquery and (m.search_vector @@ $10::tsquery or (m.search_passages is not null and not exists (
            select from unnest($11::tsquery[]) wanted (query)
            where not m.search_vector @@ wanted.query
            and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $12::tsquery)) and (m.search_vector @@ $13::tsquery and (m.search_vector @@ $14::tsquery or (m.search_passages is not null and not exists (
          select from unnest($15::tsquery[]) wanted (query)
          where not m.search_vector @@ wanted.query
          and not exists (select from unnest(m.search_passages) passage where passage @@ wanted.query)))) and not m.search_vector @@ $16::tsquery)
  order by m.created_at desc, m.id desc limit 60),
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
    where (e.tenant_id = (select $17::text) and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, search_vector from "message_p3" m
  where tenant_id = (select $18::text) and id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now()) offset 0
) m
left join lateral (
  select '' as term_scores,
  length(indexed.search_vector) as word_count from (select case when pg_column_size("m"."search_vector") > 1900 then (array["m"."search_vector"])[1] else "m"."search_vector" end as search_vector offset 0) indexed
  where pool.term_scores is null
) unscored on true
