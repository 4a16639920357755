select id, exists (
  select from embedding e where e.tenant_id = $1 and e.message_id = "message"."id" and e.generation + 0 = $2
) as is_embedded
from message where tenant_id = $3 and id = any($4::uuid[])
