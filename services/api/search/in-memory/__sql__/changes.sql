select now_at.horizon, now_at.ceiling, pruned.transaction_id as pruned_transaction_id,
(extract(epoch from now()) * 1000)::float8 as now_ms,
exists (select from search_language where state = 'old') as is_reindexing,
(select language || ' ' || changed_at::text from search_language where state = 'current') as language,
(select coalesce(json_agg(json_build_array(e.transaction_id::text, e.event_id::text, e.event_type, e.message_ids)), '[]')
  from (
    select transaction_id, event_id, event_type, message_ids from message_event
    where tenant_id = $1
    and (transaction_id, event_id) >= ($2::xid8, $3::bigint)
    order by transaction_id, event_id limit 65
  ) e) as events,
(select coalesce(json_agg(p.message_id), '[]') from (
    select message_id from embedding_pending
    where tenant_id = $4 and generation = 1 and state = 'pending'
    limit 513
  ) p) as pending_ids
from (select pg_snapshot_xmin(s) as horizon, pg_snapshot_xmax(s) as ceiling from pg_current_snapshot() s) now_at
left join message_event_pruned pruned on true
