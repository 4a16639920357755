with request as materialized (
  select given.place, given.tenant_id, given.generation, given.max_messages, given.max_bytes,
  coalesce(given.isolated, longest_due.is_overdue_suspect, false) as isolated
  from unnest($1::text[], $2::int[],
    $3::int[], $4::bigint[],
    $5::boolean[])
  with ordinality as given (tenant_id, generation, max_messages, max_bytes, isolated, place)
  left join lateral (
    select (p.attempts >= 2) and p.due_at <= now() - $6 * interval '1 millisecond' as is_overdue_suspect
    from embedding_pending p join (select given.tenant_id, given.generation) as request on true
    where given.isolated is null and p.tenant_id = request.tenant_id and p.generation = request.generation and p.state = 'pending'
    and p.due_at <= now() and (p.leased_until is null or p.leased_until <= now())
    order by p.due_at, p.message_id limit 1
  ) as longest_due on true
), due as materialized (
  select request.place, sized.*
  from request cross join lateral (
    select candidate.*, stored.*, count(*) over () as candidates,
    row_number() over by_age as nth, sum(stored.bytes) over by_age as bytes_so_far
    from (
      select p.tenant_id, p.generation, p.message_id, p.due_at from embedding_pending p
      where p.tenant_id = request.tenant_id and p.generation = request.generation and p.state = 'pending'
      and p.due_at <= now() and (p.leased_until is null or p.leased_until <= now()) and (p.attempts >= 2) = request.isolated
      order by p.due_at, p.message_id
      limit case when request.isolated then 1 else request.max_messages end
      for update skip locked
    ) as candidate
    -- Looked up one by one, after the limit: the planner reckons with many more rows than come.
    left join lateral (
      select m.id as stored_id, m.content, m.metadata, m.content_hash, octet_length(m.content) as bytes,
      not ("m"."expires_at" is null or "m"."expires_at" > now()) as is_expired
      from message m
      where m.tenant_id = any($7::text[]) and m.tenant_id = candidate.tenant_id
      and m.id = candidate.message_id
      limit 1
    ) as stored on true
    window by_age as (order by candidate.due_at, candidate.message_id)
  ) as sized
  where sized.nth = 1 or coalesce(sized.bytes_so_far, 0) <= request.max_bytes
), expired as (
  delete from embedding_pending p using due
  where due.is_expired and p.tenant_id = due.tenant_id and p.generation = due.generation and p.message_id = due.message_id
  returning due.place
), leased as (
  update embedding_pending p
  set attempts = p.attempts + 1, leased_until = now() + $8 * interval '1 millisecond'
  from due
  where due.is_expired is not true and p.tenant_id = due.tenant_id and p.generation = due.generation and p.message_id = due.message_id
  returning due.place, due.candidates, due.nth, due.stored_id, due.content, due.metadata, due.content_hash,
  p.attempts
)
select request.place, request.isolated, leased.candidates,
(select count(*)::int from expired where expired.place = request.place) as expired,
leased.stored_id as message_id, leased.content,
case when jsonb_typeof("leased"."metadata" -> 'speaker') = 'string'
and length("leased"."metadata" ->> 'speaker') between 1 and 256 then "leased"."metadata" ->> 'speaker' end as speaker, leased.content_hash, leased.attempts
from request left join leased on leased.place = request.place
order by request.place, leased.nth
