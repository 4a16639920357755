select awaited.index, p.message_id, p.state
from unnest($1::int[], $2::text[],
  $3::uuid[], $4::int[])
as awaited (index, tenant_id, message_id, generation)
join embedding_pending p using (tenant_id, message_id, generation)
