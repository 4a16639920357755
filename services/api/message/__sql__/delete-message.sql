with target as (
  select conversation_id from message where tenant_id = $1 and id = $2::uuid
  union all
  select conversation_id from archived_message where tenant_id = $3 and id = $4::uuid
), hold as (
  select 1 from retention_policy where tenant_id = $5 and legal_hold
  union all
  select 1 from conversation c join target t using (conversation_id)
  where c.tenant_id = $6 and c.legal_hold
), gone as (
  delete from message where tenant_id = $7 and id = $8::uuid and not exists (select from hold)
  returning id
), archived_gone as (
  delete from archived_message
  where tenant_id = $9 and id = $10::uuid and not exists (select from hold)
  returning id
), logged as (
  insert into message_event (tenant_id, event_type, message_ids)
  select $11::text, $12::text, array_agg(id order by id)
  from (select id, (row_number() over (order by id) - 1) / 480 as part from (select id from gone union select id from archived_gone) as source)
  as numbered
  group by part
  order by part)
, result as (
  select case
  when not exists (select from target) then 'absent'
  when exists (select from hold) then 'held'
  else 'deleted'
  end as outcome
), audited as (
  insert into audit_event (id, at, tenant_id, actor_id, actor_name, action, object_type, object_id, request_id, address, outcome, changes)
  select $13::uuid, $14::timestamptz, $15::text, $16::text,
  $17::text, $18::text, $19::text,
  $20::text, $21::text, $22::text,
  told.outcome, told.changes
  from (
    select case when is_gone then 'success' when outcome = 'held' then 'refused' else 'failed' end as outcome,
    case when is_gone then '{}' when outcome = 'held' then '{"reason": "legal_hold"}' else '{"reason": "not_found"}' end::jsonb as changes
    from (
      select outcome, exists (select from gone) or exists (select from archived_gone) as is_gone from result
    ) as ended) as told)
select outcome from result
