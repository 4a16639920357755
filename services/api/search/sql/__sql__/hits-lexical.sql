select m.id, m.conversation_id, m.role, case when coalesce(sum((octet_length("m".content) + octet_length("m".metadata::text))) over (order by array_position($1::uuid[], m.id) rows between unbounded preceding and 1 preceding), 0) < $2 then m.content end as content,
case when coalesce(sum((octet_length("m".content) + octet_length("m".metadata::text))) over (order by array_position($3::uuid[], m.id) rows between unbounded preceding and 1 preceding), 0) < $4 then m.metadata end as metadata, (octet_length("m".content) + octet_length("m".metadata::text)) as bytes, to_char("m"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
null::float8 as similarity,
(select n.id from "message_p3" n where n.tenant_id = (select $5::text) order by n.id desc limit 1) as newest_id
from unnest($6::uuid[]) wanted (id) cross join lateral (
  select id, conversation_id, role, content, metadata, created_at, expires_at from "message_p3" where tenant_id = (select $7::text) and id = wanted.id offset 0
) m
where ("m"."expires_at" is null or "m"."expires_at" > now())
