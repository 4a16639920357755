select (
  select count(*) from (
    select message.id from message
    where "message".tenant_id = $1 and not exists (
      select from conversation
      where conversation.tenant_id = "message".tenant_id and conversation.conversation_id = "message".conversation_id
      and conversation.legal_hold
    ) and ((message.created_at < $2 and message.importance < $3) and not ("message"."expires_at" is not null and "message"."expires_at" <= $4))
    union all (
      select message.id from message
      where "message".tenant_id = $5 and not exists (
        select from conversation
        where conversation.tenant_id = "message".tenant_id and conversation.conversation_id = "message".conversation_id
        and conversation.legal_hold
      ) and not ((message.created_at < $6 and message.importance < $7) and not ("message"."expires_at" is not null and "message"."expires_at" <= $8)) and not ("message"."expires_at" is not null and "message"."expires_at" <= $9)
      order by message.importance desc, message.created_at desc, message.id desc
      offset $10
    )
  ) archivable
) as archived, (
  select count(*) from message where "message".tenant_id = $11 and not exists (
    select from conversation
    where conversation.tenant_id = "message".tenant_id and conversation.conversation_id = "message".conversation_id
    and conversation.legal_hold
  ) and ("message"."expires_at" is not null and "message"."expires_at" <= $12)
) + (
  select count(*) from archived_message
  where "archived_message".tenant_id = $13 and not exists (
    select from conversation
    where conversation.tenant_id = "archived_message".tenant_id and conversation.conversation_id = "archived_message".conversation_id
    and conversation.legal_hold
  )
  and (archived_message.archived_at <= $14 or ("archived_message"."expires_at" is not null and "archived_message"."expires_at" <= $15))
) as deleted
