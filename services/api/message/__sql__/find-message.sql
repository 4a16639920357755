select message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
message.external_id, to_char("message"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
to_char("message"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at, to_char("message"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at, message.content, message.metadata, case
when exists (
  select from embedding e where e.tenant_id = $1 and e.message_id = "message"."id" and e.generation + 0 = $2
) then 'completed'
else coalesce((
    select p.state from embedding_pending p
    where p.tenant_id = $3 and p.message_id = "message"."id" and p.generation = $4
  ), 'pending')
end as embedding_status, null as archived_at
from "message_p3" message
where message.tenant_id = (select $5::text) and message.id = $6::uuid and ("message"."expires_at" is null or "message"."expires_at" > now())
union all
select message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
message.external_id, to_char("message"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
to_char("message"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at, to_char("message"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at, message.content, message.metadata, 'archived', to_char("message"."archived_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from archived_message message
where message.tenant_id = (select $7::text) and message.id = $8::uuid and ("message"."expires_at" is null or "message"."expires_at" > now())
limit 1
