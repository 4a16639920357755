begin;

with input as materialized (
  select * from unnest(
    $1::text[],
    $2::uuid[],
    $3::text[],
    $4::text[],
    $5::text[],
    $6::jsonb[],
    $7::float8[],
    $8::text[],
    $9::bytea[],
    $10::timestamptz[],
    $11::timestamptz[],
    $12::timestamptz[],
    $13::int[],
    $14::text[], $15::text[], $16::text[], $17::text[], $18::text[]
  ) with ordinality as t (tenant_id, id, conversation_id, role, content, metadata, importance, external_id,
    content_hash, created_at, updated_at, expires_at, generation, words, parts, exact, names, passages, n)), known_tenant as (
  insert into tenant (tenant_id) select distinct tenant_id from input order by 1 on conflict do nothing
  returning tenant_id), stored as (
  insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
    created_at, updated_at, expires_at, search_language, search_vector, search_passages)
  select tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
  created_at, updated_at, expires_at, "current"."language", index_words(coalesce("i"."words", "i"."content"), "i"."parts", "i"."exact", "i"."names", "current"."configuration"), case when "i"."passages" is not null then array(
    select to_tsvector("current"."configuration"::regconfig, passage)
    from unnest(string_to_array("i"."passages", '')) with ordinality as split (passage, n)
    order by n) end from input i left join (
    select language, configuration from search_language where state = 'current' offset 0) current on true
  where (select count(*) >= 0 from known_tenant) and (i.external_id is null or not exists (
      select from archived_message a where a.tenant_id = i.tenant_id and a.external_id = i.external_id
  ))
  order by i.n
  on conflict (tenant_id, external_id) where external_id is not null do nothing
  returning tenant_id, id
), outbox as (
  insert into embedding_pending (tenant_id, message_id, generation, content_hash)
  select tenant_id, id, generation, content_hash from input join stored using (tenant_id, id)
)
select id from stored;

with r as materialized (
  select distinct * from unnest(
    $1::text[], $2::text[]
  ) as r (tenant_id, external_id)
)
select m.tenant_id, m.id from r join message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id and m.expires_at <= now()
and not exists (select from retention_policy p where p.tenant_id = r.tenant_id and p.legal_hold)
and not exists (select from conversation c
  where c.tenant_id = r.tenant_id and c.conversation_id = m.conversation_id and c.legal_hold)
union all
select m.tenant_id, m.id from r join archived_message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id and m.expires_at <= now()
and not exists (select from retention_policy p where p.tenant_id = r.tenant_id and p.legal_hold)
and not exists (select from conversation c
  where c.tenant_id = r.tenant_id and c.conversation_id = m.conversation_id and c.legal_hold)
order by 1, 2;

with reference as materialized (
  select distinct * from unnest(
    $1::text[],
    $2::text[],
    $3::int[]
  ) as t (tenant_id, external_id, generation)
)
select m.id, m.tenant_id, m.external_id, m.conversation_id, m.role, m.metadata, m.importance,
m.content_hash, to_char("m"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at, to_char("m"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at,
to_char("m"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at, case
when exists (
  select from embedding e where e.tenant_id = "m"."tenant_id" and e.message_id = "m"."id" and e.generation + 0 = "r"."generation"
) then 'completed'
else coalesce((
    select p.state from embedding_pending p
    where p.tenant_id = "m"."tenant_id" and p.message_id = "m"."id" and p.generation = "r"."generation"
  ), 'pending')
end as embedding_status, null as archived_at
from reference r join message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id
union all
select m.id, m.tenant_id, m.external_id, m.conversation_id, m.role, m.metadata, m.importance,
m.content_hash, to_char("m"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at, to_char("m"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at,
to_char("m"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at, 'archived', to_char("m"."archived_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from reference r join archived_message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id;

with given as materialized (
  select * from unnest(
    $1::text[],
    $2::uuid[],
    $3::timestamptz[],
    $4::float8[],
    $5::jsonb[],
    $6::timestamptz[],
    $7::boolean[],
    $8::timestamptz[]
  ) as t (tenant_id, id, updated_at, importance, metadata, created_at, sets_expiry, expires_at)
), held as materialized (
  select m.tenant_id, m.id, case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
  and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end as speaker
  from given join message m on m.tenant_id = any($9::text[]) and m.tenant_id = given.tenant_id and m.id = given.id
  order by m.tenant_id, m.external_id
  for update of m
)
update message m set
importance = coalesce(given.importance, m.importance),
metadata = coalesce(given.metadata, m.metadata),
created_at = coalesce(given.created_at, m.created_at),
expires_at = case when given.sets_expiry then given.expires_at else m.expires_at end,
updated_at = given.updated_at
from given join held using (tenant_id, id)
where m.tenant_id = any($10::text[]) and m.tenant_id = given.tenant_id and m.id = given.id
returning m.id, m.tenant_id, m.importance, m.metadata, to_char("m"."created_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
to_char("m"."updated_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as updated_at, to_char("m"."expires_at" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at,
case when jsonb_typeof("m"."metadata" -> 'speaker') = 'string'
and length("m"."metadata" ->> 'speaker') between 1 and 256 then "m"."metadata" ->> 'speaker' end is distinct from held.speaker as speaker_changed;

update embedding e set importance = m.importance, created_at = m.created_at
from unnest(
  $1::text[],
  $2::uuid[],
  $3::float8[],
  $4::timestamptz[]
) as m (tenant_id, id, importance, created_at)
where e.tenant_id = any($5::text[])
and e.tenant_id = m.tenant_id and e.message_id = m.id
and (e.importance, e.created_at) is distinct from (m.importance, m.created_at);

update message set (search_language, search_vector, search_passages) = (select "l"."language", index_words(coalesce("given"."words", "message"."content"), "given"."parts", "given"."exact", "given"."names", "l"."configuration"), case when "given"."passages" is not null then array(
    select to_tsvector("l"."configuration"::regconfig, passage)
    from unnest(string_to_array("given"."passages", '')) with ordinality as split (passage, n)
    order by n) end)
from search_language l, unnest(
  $1::text[],
  $2::uuid[],
  $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]
) as given (tenant_id, id, words, parts, exact, names, passages)
where l.state = 'current' and message.tenant_id = any($8::text[])
and message.tenant_id = given.tenant_id and message.id = given.id;

insert into embedding_pending (tenant_id, message_id, generation, content_hash)
select * from unnest(
  $1::text[],
  $2::uuid[],
  $3::int[],
  $4::bytea[]
)
on conflict on constraint embedding_pending_pkey do update
set state = 'pending', attempts = 0, due_at = now(), leased_until = null, last_error = null, failed_at = null;

insert into "message_event" ("tenant_id", "event_type", "message_ids") values ($1, $2, $3);

commit
