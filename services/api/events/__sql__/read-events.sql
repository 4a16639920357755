select now_at.horizon, now_at.ceiling,
pruned.transaction_id as pruned_transaction_id, pruned.event_id as pruned_event_id,
page.*, extract(epoch from clock_timestamp() - page.created_at)::float8 as age_seconds
from (select pg_snapshot_xmin(s) as horizon, pg_snapshot_xmax(s) as ceiling from pg_current_snapshot() s) now_at
left join message_event_pruned pruned on true
left join lateral (
  select e.* from unnest($1::text[]) as subscribed (tenant_id)
  cross join lateral (
    select tenant_id, transaction_id, event_id, event_type, message_ids, created_at
    from message_event e
    where e.tenant_id = subscribed.tenant_id and e.transaction_id < now_at.horizon
    and (e.transaction_id, e.event_id) >= ($2::xid8, $3::bigint)
    order by e.transaction_id, e.event_id
    limit $4
  ) e
  order by e.transaction_id, e.event_id
  limit $5
) page on true
order by page.transaction_id, page.event_id
