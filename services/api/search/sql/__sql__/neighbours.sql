with beside as (
  select near.id, array_agg(m.id::text) as hit_ids, array_agg(near.distance) as distances,
  min(abs(near.distance)) as nearest, min(array_position($1::uuid[], m.id)) as best_hit
  from unnest($2::uuid[]) wanted (id) cross join lateral (
    select id, conversation_id, created_at from "message" where tenant_id = $3 and id = wanted.id offset 0
  ) m cross join lateral (
    (select n.id, -(row_number() over (order by n.created_at desc, n.id desc))::int as distance from "message" n
      where n.tenant_id = $4 and n.conversation_id = m.conversation_id and ("n"."expires_at" is null or "n"."expires_at" > now())
      and (n.created_at, n.id) < (m.created_at, m.id)
      order by n.created_at desc, n.id desc limit $5)
    union all
    (select n.id, (row_number() over (order by n.created_at, n.id))::int as distance from "message" n
      where n.tenant_id = $6 and n.conversation_id = m.conversation_id and ("n"."expires_at" is null or "n"."expires_at" > now())
      and (n.created_at, n.id) > (m.created_at, m.id)
      order by n.created_at, n.id limit $7)
  ) near
  group by near.id
)
select n.id, n.role, case when coalesce(sum((octet_length("n".content) + octet_length("n".metadata::text))) over (order by beside.nearest, beside.best_hit, n.id rows between unbounded preceding and 1 preceding), 0) < $8 then n.content end as content,
case when coalesce(sum((octet_length("n".content) + octet_length("n".metadata::text))) over (order by beside.nearest, beside.best_hit, n.id rows between unbounded preceding and 1 preceding), 0) < $9 then n.metadata end as metadata, to_char("n"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
beside.hit_ids, beside.distances
from beside join "message" n on n.tenant_id = $10 and n.id = beside.id
