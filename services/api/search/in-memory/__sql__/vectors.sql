select m.id, halfvec_send(e.vector) as vector from unnest($1::uuid[]) m (id) cross join lateral (
  select e.vector from "embedding_p3" e where (e.tenant_id = (select $2::text) and e.message_id = m.id and e.generation + 0 = 1) offset 0
) e
