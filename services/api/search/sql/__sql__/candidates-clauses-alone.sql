with query as materialized (select $1::halfvec as vector),
by_vector as materialized (
  select message_id as id, min(distance) as distance from (
    select e.message_id, e.vector <=> (select vector from query) as distance from "embedding_p3" e join "message_p3" m on m.tenant_id = $2 and m.id = e.message_id and (("m"."search_vector" @@ $3::tsquery and not "m"."search_vector" @@ $4::tsquery))
    where e.tenant_id = $5 and e.generation = 1 and ("e"."expires_at" is null or "e"."expires_at" > now()) and true and true
    offset 0
  ) matching
  group by message_id
  order by 2, 1 limit 60),
by_words as materialized (
  select m.id, 0::float8 as lexical_score from "message_p3" m
  where m.tenant_id = $6 and (("m"."expires_at" is null or "m"."expires_at" > now()) and true and true and ("m"."search_vector" @@ $7::tsquery and not "m"."search_vector" @@ $8::tsquery)) and ("m"."search_vector" @@ $9::tsquery and not "m"."search_vector" @@ $10::tsquery)
  order by m.created_at desc, m.id desc limit 60),
pool as (
  select id, min(distance) as distance
  from (select id, distance from by_vector union all select id, null from by_words) found group by id
)
select m.id, '' as term_scores,
length(indexed.search_vector) as word_count,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at, true as eligible,
1 - coalesce(pool.distance, (select min(e.vector <=> (select vector from query)) from "embedding_p3" e
    where (e.tenant_id = $11 and e.message_id = m.id and e.generation + 0 = 1))) as vector_score
from pool join "message_p3" m on m.tenant_id = $12 and m.id = pool.id and ("m"."expires_at" is null or "m"."expires_at" > now())
cross join lateral (select case when pg_column_size("m"."search_vector") > 1900 then "m"."search_vector" || ''::tsvector else "m"."search_vector" end as search_vector offset 0) indexed
