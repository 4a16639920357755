select message.id, message.tenant_id, message.conversation_id, message.role, message.importance,
message.external_id, message.created_at, message.updated_at, message.expires_at, message.content, message.metadata, case
when exists (
  select from embedding e where e.tenant_id = $1 and e.message_id = "message"."id" and e.generation + 0 = $2
) then 'completed'
else coalesce((
    select p.state from embedding_pending p
    where p.tenant_id = $3 and p.message_id = "message"."id" and p.generation = $4
  ), 'pending')
end as embedding_status
from message
where message.tenant_id = $5 and message.id = $6::uuid and ("message"."expires_at" is null or "message"."expires_at" > now())
