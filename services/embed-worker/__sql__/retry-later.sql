update embedding_pending p
set leased_until = null, last_error = $1, due_at = now() + $2 * interval '1 millisecond'
where p.tenant_id = $3 and p.generation = $4 and p.leased_until is not null
and (p.message_id, p.attempts) in (
  select * from unnest($5::uuid[], $6::int[]))
