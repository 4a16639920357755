with held as materialized (
  select p.tenant_id, p.message_id, p.generation from embedding_pending p
  join unnest($1::text[], $2::uuid[],
    $3::int[], $4::int[])
  as ours (tenant_id, message_id, generation, attempts)
  on p.tenant_id = ours.tenant_id and p.message_id = ours.message_id
  and p.generation = ours.generation and p.attempts = ours.attempts
  where p.leased_until is not null
  for update of p skip locked
)
update embedding_pending p set leased_until = now() + $5 * interval '1 millisecond'
from held
where p.tenant_id = held.tenant_id and p.message_id = held.message_id and p.generation = held.generation
