select id, hash, case when is_read and sum(case when is_read then bytes else 0 end)
over (order by place rows unbounded preceding) <= 131072 then content end as content
from (
  select m.id, encode(m.content_hash, 'hex') as hash, octet_length(m.content) as bytes, asked.place, m.content,
  octet_length(m.content) <= 2000
  and row_number() over (partition by m.content_hash order by asked.place) = 1 as is_read
  from "message_p3" m join unnest($1::uuid[]) with ordinality as asked (id, place) on asked.id = m.id
  where m.tenant_id = (select $2::text) and m.id = any($3::uuid[])
) texts
