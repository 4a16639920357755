begin;

update embedding_pending p
set state = 'failed', failed_at = now(), leased_until = null, last_error = $1
where p.tenant_id = $2 and p.generation = $3 and p.leased_until is not null
and (p.message_id, p.attempts) in (
  select * from unnest($4::uuid[], $5::int[]))
returning p.message_id;

insert into "message_event" ("tenant_id", "event_type", "message_ids") values ($1, $2, $3);

commit
