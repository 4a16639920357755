with orphan as (
  delete from embedding_pending p
  where p.state = 'pending' and p.attempts >= 2 and p.due_at <= now() - $1 * interval '1 millisecond'
  and (p.leased_until is null or p.leased_until <= now())
  and not exists (select from message m where m.tenant_id = p.tenant_id and m.id = p.message_id)
)
select tenant_id, generation from embedding_pending
where state = 'pending' and due_at <= now() - $2 * interval '1 millisecond'
and (leased_until is null or leased_until <= now())
group by tenant_id, generation
order by min(due_at)
limit $3
