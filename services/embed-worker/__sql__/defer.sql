update embedding_pending p
set attempts = greatest(p.attempts - 1, 0), leased_until = null, last_error = coalesce($1, p.last_error),
due_at = coalesce(now() + $2::float8 * interval '1 millisecond', p.due_at)
where p.tenant_id = $3 and p.generation = $4 and p.leased_until is not null
and (p.message_id, p.attempts) in (
  select * from unnest($5::uuid[], $6::int[]))
