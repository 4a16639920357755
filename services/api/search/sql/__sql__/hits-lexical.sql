select m.id, m.conversation_id, m.role, case when coalesce(sum((octet_length("m".content) + octet_length("m".metadata::text))) over (order by array_position($1::uuid[], m.id) rows between unbounded preceding and 1 preceding), 0) < $2 then m.content end as content,
case when coalesce(sum((octet_length("m".content) + octet_length("m".metadata::text))) over (order by array_position($3::uuid[], m.id) rows between unbounded preceding and 1 preceding), 0) < $4 then m.metadata end as metadata, (octet_length("m".content) + octet_length("m".metadata::text)) as bytes, to_char("m"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
null::float8 as similarity,
(select n.id from "message_p3" n where n.tenant_id = $5 order by n.id desc limit 1) as newest_id
from "message_p3" m where m.tenant_id = $6 and m.id = any($7::uuid[])
