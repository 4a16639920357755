-- Tenant ids are any printable text now. In the index of words a tenant stands alone and before a blank and a number, so
-- that a blank of the id itself is written otherwise: tenant `a 5` is not what tenant `a` has of length 5.
-- Existing ids have neither blank nor `%`, so that the index stays as it is.
create or replace function message_scope(tenant_id text, search_vector tsvector) returns text[]
immutable parallel unsafe language sql
return array[
  replace(replace(tenant_id, '%', '%25'), ' ', '%20'),
  replace(replace(tenant_id, '%', '%25'), ' ', '%20') || ' ' || least(length(search_vector), 40)::text
];

-- Sessions that know the index by the function of before look at it again.
do $$
declare
  part regclass;
begin
  for part in select inhrelid from pg_inherits where inhparent = 'message_search_vector_idx'::regclass order by 1 loop
    execute format('alter index %s set (gin_pending_list_limit = 128)', part);
  end loop;
end
$$;

-- When a message expires, beside each of its vectors: a search passes by what has expired before it takes the nearest,
-- without a look at the message.
alter table embedding add column expires_at timestamptz;

update embedding e set expires_at = m.expires_at
from message m
where m.expires_at is not null and e.tenant_id = m.tenant_id and e.message_id = m.id;

create function copy_expiry_to_vectors() returns trigger language plpgsql as $$
begin
  update embedding set expires_at = new.expires_at where tenant_id = new.tenant_id and message_id = new.id;
  return null;
end
$$;
create trigger message_expiry_changed after update of expires_at on message
  for each row when (old.expires_at is distinct from new.expires_at) execute function copy_expiry_to_vectors();

-- What expires in the archive is deleted there.
create index archived_message_expires_at_idx on archived_message (tenant_id, expires_at) where expires_at is not null;

-- Whether a tenant's messages age from when they were stored, or from the date that they were sent with.
alter table retention_policy
  add column age_of text,
  add constraint retention_policy_age_of_check check (age_of in ('stored', 'created'));
