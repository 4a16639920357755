begin;

with current as materialized (
  select done.place, m.*, done.generation
  from (select * from unnest($1::text[], $2::uuid[],
      $3::int[],
      $4::bytea[], $5::text[])
    with ordinality as done (tenant_id, message_id, generation, content_hash, speaker, place) order by tenant_id, message_id offset 0) done
  cross join lateral (
    select m.tenant_id, m.id, m.conversation_id, m.role, m.importance, m.created_at, m.expires_at from message m
    where m.tenant_id = any($6::text[]) and m.tenant_id = done.tenant_id and m.id = done.message_id
    and m.content_hash = done.content_hash and case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
    and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end is not distinct from done.speaker
    for share
  ) m
  cross join lateral (
    select from embedding_pending p
    where p.tenant_id = done.tenant_id and p.message_id = done.message_id and p.generation = done.generation
    for update
  ) p
), written as (
  insert into embedding (tenant_id, message_id, generation, passage_no, vector,
    conversation_id, role, importance, created_at, expires_at)
  select c.tenant_id, c.id, c.generation, passage.passage_no, passage.vector,
  c.conversation_id, c.role, c.importance, c.created_at, c.expires_at
  from current c join unnest($7::bigint[],
    $8::smallint[],
    $9::halfvec[]) as passage (place, passage_no, vector) on passage.place = c.place
  on conflict on constraint embedding_pkey do nothing
  returning 1
), finished as (
  delete from embedding_pending p using current c
  where p.tenant_id = c.tenant_id and p.message_id = c.id and p.generation = c.generation
  returning p.tenant_id, p.message_id
)
select tenant_id, message_id, (select count(*)::int from written) as written from finished;

insert into "message_event" ("tenant_id", "event_type", "message_ids") values ($1, $2, $3);

commit
