with candidate as (
  select "message"."id", to_char("message"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from "message"
  where "message".tenant_id = $1 and not exists (
    select from conversation
    where conversation.tenant_id = "message".tenant_id and conversation.conversation_id = "message".conversation_id
    and conversation.legal_hold
  ) and ("message"."expires_at" is not null and "message"."expires_at" <= $2) and true
  order by "message"."expires_at", "message"."id"
  limit $3
  for update skip locked
), done as (
  delete from "message" where tenant_id = $4 and id = any(array(select candidate.id from candidate))
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
