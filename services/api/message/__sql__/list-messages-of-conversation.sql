select message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
message.external_id, to_char("message"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
to_char("message"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at, to_char("message"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at, case
when exists (
  select from embedding e where e.tenant_id = $1 and e.message_id = "message"."id" and e.generation + 0 = $2
) then 'completed'
else coalesce((
    select p.state from embedding_pending p
    where p.tenant_id = $3 and p.message_id = "message"."id" and p.generation = $4
  ), 'pending')
end as embedding_status,
case when coalesce(sum((octet_length("message".content) + octet_length("message".metadata::text))) over (order by message.created_at desc, message.id desc rows between unbounded preceding and 1 preceding), 0) < $5 then message.content end as content,
case when coalesce(sum((octet_length("message".content) + octet_length("message".metadata::text))) over (order by message.created_at desc, message.id desc rows between unbounded preceding and 1 preceding), 0) < $6 then message.metadata end as metadata
from (
  select message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
  message.external_id, message.created_at, message.updated_at, message.expires_at, message.content, message.metadata from "message_p3" message
  where message.tenant_id = (select $7::text) and ("message"."expires_at" is null or "message"."expires_at" > now())
  and message.conversation_id = $8
  and (message.created_at, message.id) < ($9, $10::uuid)
  order by message.created_at desc, message.id desc
  limit $11
) message
order by message.created_at desc, message.id desc
