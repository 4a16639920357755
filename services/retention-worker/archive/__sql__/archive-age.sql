with candidate as (
  select "message"."id", to_char("message"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from "message"
  where "message".tenant_id = $1 and not exists (
    select from conversation
    where conversation.tenant_id = "message".tenant_id and conversation.conversation_id = "message".conversation_id
    and conversation.legal_hold
  ) and ((message.created_at < $2 and message.importance < $3) and not ("message"."expires_at" is not null and "message"."expires_at" <= $4)) and true
  order by "message"."created_at", "message"."id"
  limit $5
  for update skip locked
), moved as (
  delete from message where tenant_id = $6 and id = any(array(select candidate.id from candidate))
  returning tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash, created_at, updated_at, expires_at
), done as (
  insert into archived_message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash, created_at, updated_at, expires_at, archived_at, archive_reason)
  select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash, created_at, updated_at, expires_at, $7::timestamptz, $8::text from moved
  on conflict (tenant_id, id) do update set conversation_id = excluded.conversation_id,
  role = excluded.role,
  content = excluded.content,
  metadata = excluded.metadata,
  importance = excluded.importance,
  external_id = excluded.external_id,
  content_hash = excluded.content_hash,
  created_at = excluded.created_at,
  updated_at = excluded.updated_at,
  expires_at = excluded.expires_at,
  archived_at = excluded.archived_at,
  archive_reason = excluded.archive_reason
  returning id
), logged as (
  insert into message_event (tenant_id, event_type, message_ids)
  select $9::text, $10::text, array_agg(id order by id)
  from (select id, (row_number() over (order by id) - 1) / 480 as part from "done" as source)
  as numbered
  group by part
  order by part)
select at, id, (select count(*)::int from done) as rows
from candidate order by at desc, id desc limit 1
