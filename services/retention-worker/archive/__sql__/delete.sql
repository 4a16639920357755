with candidate as (
  select "archived_message"."id", to_char("archived_message"."archived_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from "archived_message"
  where "archived_message".tenant_id = $1 and not exists (
    select from conversation
    where conversation.tenant_id = "archived_message".tenant_id and conversation.conversation_id = "archived_message".conversation_id
    and conversation.legal_hold
  ) and archived_message.archived_at <= $2 and true
  order by "archived_message"."archived_at", "archived_message"."id"
  limit $3
  for update skip locked
), done as (
  delete from "archived_message" where tenant_id = $4 and id = any(array(select candidate.id from candidate))
  returning id
), logged as (
  insert into message_event (tenant_id, event_type, message_ids)
  select $5::text, $6::text, array_agg(id order by id)
  from (select id, (row_number() over (order by id) - 1) / 480 as part from "done" as source)
  as numbered
  group by part
  order by part)
select at, id, (select count(*)::int from done) as rows
from candidate order by at desc, id desc limit 1
