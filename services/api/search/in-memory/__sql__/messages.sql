select m.id, m.conversation_id, m.role, case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker, m.importance,
(extract(epoch from m.created_at) * 1000000)::float8 as created_at,
(extract(epoch from m.expires_at) * 1000)::float8 as expires_at,
case when sum(pg_column_size(m.search_vector)) over (order by m.id) - pg_column_size(m.search_vector)
< 262144 then tsvectorsend(m.search_vector) end as words
from unnest($1::uuid[]) wanted (id) cross join lateral (
  select id, conversation_id, role, metadata, importance, created_at, expires_at, search_vector from "message_p3" where tenant_id = (select $2::text) and id = wanted.id offset 0
) m
order by m.id
