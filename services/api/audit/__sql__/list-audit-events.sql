with matched as materialized (
  select * from (select id, at, tenant_id, actor_id, actor_name, action, object_type, object_id, request_id, address, outcome, changes from audit_event where tenant_id = $1 and id >= $2::uuid order by id desc limit $3) as scanned
  where tenant_id = $4 and outcome = $5
  order by id desc
  limit $6
), page as (
  select case when (select count(*) from matched) <= $7
  then (select id from audit_event where tenant_id = $8 and id >= $9::uuid order by id desc limit 1 offset $10) end as scan_end
)
select page.scan_end, matched.* from page left join matched on true
order by matched.id desc
